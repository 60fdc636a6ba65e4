using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;

namespace Sluice.Cli.Tests;

/// <summary>A Redis server dies or stops to answer below <c>sluice top</c>: it goes on in a terminal, and ends elsewhere.</summary>
public sealed class RedisTopTests : RedisFaultTestBase
{
    [Fact]
    public Task AServerThatIsGoneEndsALookWithOneLine() => EndsWithOneLineAsync("top", "\r\nsluice_find_stream_", 1, isKilled: true, "");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TopGoesOnAndSaysThatItTriesAgain(bool isKilled)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await FillAsync(server, 3);
        string command = SampleProcess.CommandLine("Sluice.Cli", ["top", $"redis:{server.Address}", "--interval", "0.5"]);
        using SampleProcess top = SampleProcess.StartProgram(Folder, "script", "--quiet", "--flush", "--return", "--command",
            $"stty cols 200; exec env TERM=xterm {command}", "/dev/null");
        await top.ReadUntilAsync(static line => line.Contains("has dead letters", StringComparison.Ordinal));
        await (isKilled ? server.KillAsync() : server.PauseAsync());
        await top.ReadUntilAsync(static line => line.Contains("sluice tries again", StringComparison.Ordinal));
        await (isKilled ? server.StartAgainAsync() : server.ResumeAsync());
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        await store.OpenStreamAsync("prices", null, Cancellation);
        await top.ReadUntilAsync(static line => line.Contains("prices", StringComparison.Ordinal));
        Assert.False(top.HasExited);
        top.Kill();
    }
}
