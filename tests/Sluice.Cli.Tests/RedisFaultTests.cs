using System.Net;
using System.Text.Json;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>A Redis server dies or stops to answer while a command works: one line says what is done, and a repeat does the rest.</summary>
public sealed class RedisFaultTests : CliTestBase
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
        await using RedisServer server = await RedisServer.StartAsync();
        string[] ids = await FillAsync(server);
        using (var gate = Gate(server, call, 2, moment, server.KillAsync))
        {
            Ended broken = await RunAsync(verb, $"redis:127.0.0.1:{gate.Port}", "orders", "--all", "--json");
            AssertBroken(broken, done);
        }
        await server.StartAgainAsync();
        Ended repeated = await RunAsync(verb, $"redis:{server.Address}", "orders", "--all");
        Assert.Equal($"{Letters - doneThen} letters {done}\n", repeated.Succeeded().Output);
        await AssertDoneOnceAsync(server, ids, isRedriven: verb == "redrive");
    }

    [Fact]
    public async Task AServerThatIsPausedDuringAChangeLosesAndDoublesNothing()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        string[] ids = await FillAsync(server);
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
        await using RedisServer server = await RedisServer.StartAsync();
        await FillAsync(server);
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

    [Theory]
    [InlineData("check", "\r\nsluice_verify_", 1, true, "The check is not complete")]
    [InlineData("check", "\r\nsluice_verify_", 1, false, "The check is not complete")]
    [InlineData("show orders", "\r\nsluice_read_", 1, true, "")]
    [InlineData("show orders --follow", "\r\nsluice_read_", 3, true, "The command has ended")]        // two partitions, and the first again
    [InlineData("show orders --follow", "\r\nsluice_read_", 3, false, "The command has ended")]
    [InlineData("members", "\r\nsluice_find_group_", 1, false, "")]
    [InlineData("top", "\r\nsluice_find_stream_", 1, true, "")]
    [InlineData("bench --scratch --seconds 0.5", "\r\nsluice_append_", 1, true, "")]
    public async Task AServerThatIsGoneEndsALookWithOneLine(string command, string call, int number, bool isKilled, string part)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await FillAsync(server, 3);
        string[] words = command.Split(' ');
        using (var gate = Gate(server, call, number, GateMoment.BeforeRequest, isKilled ? server.KillAsync : server.PauseAsync))
        {
            string line = (await RunAsync([words[0], $"redis:127.0.0.1:{gate.Port}", .. words[1..]])).OneErrorLine(3, "sluice");
            Assert.Contains($"127.0.0.1:{gate.Port} does not answer", line, StringComparison.Ordinal);
            Assert.Contains(part, line, StringComparison.Ordinal);
        }
        if (isKilled) await server.StartAgainAsync();
        else await server.ResumeAsync();
        if (!words.Contains("--follow")) (await RunAsync([words[0], $"redis:{server.Address}", .. words[1..]])).Succeeded();
    }

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

    private static RequestGate Gate(RedisServer server, string call, int number, GateMoment moment, Func<Task> act)
        => new(new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, server.Port), call, number, moment, act);

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

    /// <summary>Makes dead letters, and returns the ids of their items.</summary>
    private static async Task<string[]> FillAsync(RedisServer server, int letters = Letters)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        string[] items = [.. Enumerable.Range(1, letters).Select(static number => $"letter {number}")];
        await FillAsync(store, items);
        return items;
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
