namespace Sluice.Cli.Tests;

/// <summary>A Redis server dies or stops to answer while a command reads all of it, or measures it.</summary>
public sealed class RedisCheckTests : RedisFaultTestBase
{
    [Theory]
    [InlineData("check", "\r\nsluice_verify_", 1, true, "The check is not complete")]
    [InlineData("check", "\r\nsluice_verify_", 1, false, "The check is not complete")]
    [InlineData("bench --scratch --seconds 0.5", "\r\nsluice_append_", 1, true, "")]
    public Task AServerThatIsGoneEndsALookWithOneLine(string command, string call, int number, bool isKilled, string part)
        => EndsWithOneLineAsync(command, call, number, isKilled, part);
}
