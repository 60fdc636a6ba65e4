using System.Globalization;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Storage;
using StackExchange.Redis;

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

    // What another process writes meanwhile costs top nothing, and its looks ask about the rows on the screen only.
    [Fact]
    public async Task ALookAsksForTheRowsOnTheScreenOnceEachAndGetsNoMessagesOfChanges()
    {
        const int Streams = 100, Rows = 5;
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        for (int i = 0; i < Streams; i++)
        {
            await store.OpenStreamAsync($"s{i}", new() { Partitions = 1 }, Cancellation);
            await store.AddGroupAsync(new($"s{i}", $"s{i}"), cancellation: Cancellation);
            using var batch = new EntryBatch { Stream = $"s{i}" };
            batch.Add("1"u8.ToArray());
            await store.AppendAsync(new($"s{i}", "p", 0, 1, batch), Cancellation);
        }
        using ConnectionMultiplexer client = await ConnectionMultiplexer.ConnectAsync($"{server.Address},allowAdmin=true");
        IDatabase commands = client.GetDatabase();
        await commands.ExecuteAsync("CONFIG", "RESETSTAT");
        string command = SampleProcess.CommandLine("Sluice.Cli",
            ["top", $"redis:{server.Address}", "--interval", "3600", "--rows", $"{Rows}"]);
        using SampleProcess top = SampleProcess.StartProgram(Folder, "script", "--quiet", "--flush", "--return", "--command",
            $"stty cols 200; exec env TERM=xterm {command}", "/dev/null");
        await top.ReadUntilAsync(static line => line.Contains("stuck: no member owns a partition", StringComparison.Ordinal));

        string calls = ((string)(await commands.ExecuteAsync("INFO", "commandstats"))!).Split("cmdstat_fcall:calls=")[1].Split(',')[0];
        const int Opening = 1, Listing = 2, Time = 1, PerRow = 4;  // the stream, its group, the group again and an entry for the oldest one
        Assert.InRange(int.Parse(calls, CultureInfo.InvariantCulture), Streams, Opening + Listing + Streams + Time + (PerRow * Rows));
        var listeners = (RedisResult[]?)await commands.ExecuteAsync("PUBSUB", "NUMSUB", "{sluice}:changes");
        Assert.Equal(0, (long)listeners![1]);
        top.Kill();
    }
}
