namespace Sluice.Cli.Tests;

/// <summary>A Redis server dies or stops to answer while a command looks at its entries and members.</summary>
public sealed class RedisLookTests : RedisFaultTestBase
{
    [Theory]
    [InlineData("show orders", "\r\nsluice_read_", 1, true, "")]
    [InlineData("show orders --follow", "\r\nsluice_read_", 3, true, "The command has ended")]        // two partitions, and the first again
    [InlineData("show orders --follow", "\r\nsluice_read_", 3, false, "The command has ended")]
    [InlineData("members", "\r\nsluice_find_group_", 1, false, "")]
    public Task AServerThatIsGoneEndsALookWithOneLine(string command, string call, int number, bool isKilled, string part)
        => EndsWithOneLineAsync(command, call, number, isKilled, part);
}
