using System.Text.Json;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>
/// A Redis server dies or stops to answer while a command changes its store: one line says what is done, and a repeat does the rest.
/// </summary>
public sealed class RedisFaultTests : RedisFaultTestBase
{
    private const int Letters = 250;                 // three steps of 100

    [Theory]
    [InlineData("redrive", "redriven", "\r\nsluice_redrive_", GateMoment.BeforeRequest, 100)]
    [InlineData("redrive", "redriven", "\r\nsluice_redrive_", GateMoment.BeforeAnswer, 200)]
    [InlineData("discard", "discarded", "\r\nsluice_delete_dead_", GateMoment.BeforeRequest, 100)]
    [InlineData("discard", "discarded", "\r\nsluice_delete_dead_", GateMoment.BeforeAnswer, 200)]
    public async Task AServerThatIsKilledDuringAChangeLosesAndDoublesNothing(string verb, string done, string call, GateMoment moment,
        int doneThen)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        string[] ids = await FillAsync(server, Letters);
        using (var gate = Gate(server, call, 2, moment, server.KillAsync))
        {
            Ended broken = await RunAsync(verb, $"redis:127.0.0.1:{gate.Port}", "orders", "--all", "--json");
            AssertBroken(broken, done);
        }
        await server.StartAgainAsync();
        Ended repeated = await RunAsync(verb, $"redis:{server.Address}", "orders", "--all");
        Assert.StartsWith($"{Letters - doneThen} letters {done}", repeated.Succeeded().Output, StringComparison.Ordinal);
        await AssertDoneOnceAsync(server, ids, isRedriven: verb == "redrive");
    }

    [Fact]
    public async Task AServerThatIsPausedDuringAChangeLosesAndDoublesNothing()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        string[] ids = await FillAsync(server, Letters);
        using (var gate = Gate(server, "\r\nsluice_redrive_", 2, GateMoment.BeforeRequest, server.PauseAsync))
            AssertBroken(await RunAsync("redrive", $"redis:127.0.0.1:{gate.Port}", "orders", "--all", "--json"), "redriven");
        // The server has the request in its buffers, and executes it now.
        await server.ResumeAsync();
        while ((await RunAsync("redrive", $"redis:{server.Address}", "orders", "--all")).ExitCode == 0) { }
        await AssertDoneOnceAsync(server, ids, isRedriven: true);
    }

    [Fact]
    public async Task ARepeatWithIdsLeavesOutThoseThatAreDone()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await FillAsync(server, Letters);
        string[] numbers = [.. Enumerable.Range(1, 150).Select(static number => $"{number}")];
        using (var gate = Gate(server, "\r\nsluice_delete_dead_", 2, GateMoment.BeforeRequest, server.KillAsync))
        {
            Ended broken = await RunAsync(["discard", $"redis:127.0.0.1:{gate.Port}", "orders", .. numbers]);
            Assert.Contains("Before, 100 letters were discarded. Repeat the command with --ignore-missing",
                broken.OneErrorLine(3, "sluice"), StringComparison.Ordinal);
        }
        await server.StartAgainAsync();
        string store = $"redis:{server.Address}";
        Assert.Contains("no dead letter 1. Nothing was changed", await MistakeAsync(1, ["discard", store, "orders", .. numbers]),
            StringComparison.Ordinal);
        Assert.Equal("50 letters discarded\n", (await RunAsync(["discard", store, "orders", .. numbers, "--ignore-missing"])).Succeeded()
            .Output);
        Ended nothingLeft = await RunAsync(["discard", store, "orders", .. numbers, "--ignore-missing"]);
        Assert.Equal((1, "0 letters discarded\n"), (nothingLeft.ExitCode, nothingLeft.Output));
        Assert.Equal(100, (await RunJsonAsync("dead", store)).GetArrayLength());
    }

    private static void AssertBroken(Ended broken, string done)
    {
        Assert.True(broken.ExitCode == 3, $"{broken.ExitCode}\n{broken.Output}\n{broken.Errors}");
        string line = Assert.Single(broken.Errors.TrimEnd('\n').Split('\n'));
        Assert.Contains("what was asked may have been done or not", line, StringComparison.Ordinal);
        Assert.Contains($"Before, 100 letters were {done}. Repeat the command: letters that were {done} are not {done} again.", line,
            StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(broken.Output);
        Assert.Equal((100, false),
            (json.RootElement.GetProperty(done).GetInt32(), json.RootElement.GetProperty("isComplete").GetBoolean()));
    }

    // A consecutor that accepts everything sees each redriven item once, and none that was discarded.
    private static async Task AssertDoneOnceAsync(RedisServer server, string[] items, bool isRedriven)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        IReadOnlyCollection<string> seen = await ProcessAllAsync(store, partitions: 2);
        Assert.Equal(isRedriven ? items.Order() : [], seen.Order());
        Assert.Empty(await store.ListDeadAsync(new("orders", "orders"), cancellation: Cancellation));
    }
}
