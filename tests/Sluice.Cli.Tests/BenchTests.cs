using System.Text.Json;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Sqlite;

namespace Sluice.Cli.Tests;

/// <summary>The measurement. Its figures are not tested, only that it measures, ends and leaves nothing.</summary>
public sealed class BenchTests : CliTestBase
{
    private static readonly string[] Names = ["fused", "boundary", "durable", "one by one"];

    [Fact]
    public async Task AStoreThatDidNotExistIsDeletedAfterTheMeasurement()
    {
        string[] lines = (await RunAsync("bench", "sqlite:bench.db", "--seconds", "0.5")).Succeeded().Output.TrimEnd('\n').Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.All(lines, static line => Assert.Matches(@"^(fused|boundary|durable|one by one) +[\d,]+ items/s  \w", line));
        Assert.Empty(Directory.GetFiles(Folder));
    }

    [Fact]
    public async Task AStoreThatAnotherProcessIsCreatingIsLeftAlone()
    {
        // It has taken its lock, and its file does not exist yet.
        string path = Path.Combine(Folder, "bench.db-lock");
        await using (new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("open in another process", await MistakeAsync(3, "bench", "sqlite:bench.db", "--seconds", "0.5"),
                StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(Folder));
    }

    [Fact]
    public async Task AStoreWithStreamsIsMeasuredInAScratchStreamOnly()
    {
        await using (SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation))
            await FillAsync(store, "1");
        string refused = await MistakeAsync(2, "bench", "sqlite:orders.db", "--seconds", "0.5");
        Assert.Contains("1 streams of its own, such as 'orders'", refused, StringComparison.Ordinal);
        JsonElement measured = await RunJsonAsync("bench", "sqlite:orders.db", "--seconds", "0.5", "--scratch");
        Assert.Equal(Names, measured.EnumerateArray().Select(static one => one.GetProperty("name").GetString()));
        Assert.All(measured.EnumerateArray(), static one => Assert.True(one.GetProperty("perSecond").GetDouble() > 0));
        JsonElement stream = Assert.Single((await RunJsonAsync("streams", "sqlite:orders.db")).EnumerateArray());
        Assert.Equal("orders", stream.GetProperty("name").GetString());
    }

    [Fact]
    public async Task RedisIsMeasuredToo()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        Assert.Equal(4, (await RunJsonAsync("bench", $"redis:{server.Address}", "--seconds", "0.5")).GetArrayLength());
        Assert.Equal("no streams\n", (await RunAsync("streams", $"redis:{server.Address}")).Succeeded().Output);
    }

    [Theory]
    [InlineData("0.1")]
    [InlineData("61")]
    public async Task TheTimeIsBounded(string seconds)
        => Assert.Contains("--seconds is 0.5 to 60", await MistakeAsync(2, "bench", "sqlite:bench.db", "--seconds", seconds),
            StringComparison.Ordinal);
}
