using System.Text.Json;
using System.Text.RegularExpressions;
using Sluice.Flows;
using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>With --json, every command writes JSON only, with the names of the manual. Scripts depend on them.</summary>
public sealed partial class JsonTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    // In this order: the last ones change the store.
    private static readonly (string Command, string Arguments)[] Commands =
    [
        ("streams", Store),
        ("show", $"{Store} prices"),
        ("dead", Store),
        ("dead show", $"{Store} orders 1"),
        ("members", $"{Store} --now"),
        ("flows", Store),
        ("flow", $"{Store} run-1"),
        ("top", $"{Store} --interval 0.5"),
        ("check", Store),
        ("backup", $"{Store} copy.db"),
        ("graph", Store),
        ("bench", "sqlite:bench.db --seconds 0.5"),
        ("schema", "shop --user app"),
        ("completion", "bash"),
        ("pause", $"{Store} orders"),
        ("drain", $"{Store} orders"),
        ("resume", $"{Store} orders"),
        ("redrive", $"{Store} orders 1"),
        ("discard", $"{Store} orders --all"),
    ];

    [Fact]
    public async Task EveryCommandWritesJsonWithTheNamesOfTheManual()
    {
        // The dashboard serves until a signal (DashboardCommandTests).
        CommandTree.AssertIsComplete(Commands.Select(static one => one.Command).Append("dashboard"));
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation);
        await WritesTheNamesOfTheManualAsync(store, Commands);
    }

    /// <summary>Letters that the code page of the console lacks became question marks, and a script sent them on.</summary>
    [Fact]
    public async Task JsonIsCompleteWhateverTheEncodingOfTheOutput()
    {
        using SampleProcess process = SampleProcess.StartProgram(Folder, "sh", "-c",
            $"exec env LC_ALL=C.ISO-8859-1 {SampleProcess.CommandLine("Sluice.Cli", ["schema", "shop", "--user", "\u0416", "--json"])}");
        using JsonDocument document = JsonDocument.Parse((await process.EndAsync()).Succeeded().Output);
        Assert.Contains("TO \"\u0416\"", document.RootElement.GetProperty("sql").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryCommandOverRedisWritesJsonWithTheNamesOfTheManual()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        await WritesTheNamesOfTheManualAsync(store, $"redis:{server.Address}");
    }

    [Long("the same over SQLite and Redis")]
    [Fact]
    public async Task EveryCommandOverPostgreSqlWritesJsonWithTheNamesOfTheManual()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address, null, Cancellation);
        await WritesTheNamesOfTheManualAsync(store, $"postgres:{server.Address}");
    }

    // A server copies itself. BenchTests measure Redis.
    private Task WritesTheNamesOfTheManualAsync(IStreamStore store, string there)
        => WritesTheNamesOfTheManualAsync(store, [.. Commands
            .Where(one => one.Command != "backup" && !(one.Command == "bench" && store is RedisStreamStore))
            .Select(one => (one.Command, one.Command == "bench" ? $"{there} --seconds 0.5 --scratch"
                : one.Arguments.Replace(Store, there, StringComparison.Ordinal)))]);

    private async Task WritesTheNamesOfTheManualAsync(IStreamStore store, (string Command, string Arguments)[] commands)
    {
        await using Consecutor<string> orders = Orders(store);
        await FillAllAsync(store, orders);
        string page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs/command-line.md"), Cancellation);
        Dictionary<string, string[]> manual = Row().Matches(page).ToDictionary(static row => row.Groups[1].Value,
            static row => Name().Matches(row.Groups[2].Value).Select(static one => one.Groups[1].Value).ToArray());
        Dictionary<string, string[]> actual = [];
        foreach ((string command, string arguments) in commands)
        {
            string[] words = [.. command.Split(' '), .. arguments.Split(' '), "--json"];
            // One command on each store is a process of its own, as users start it.
            Ended ended = await (command == "streams" ? RunAloneAsync(words) : RunAsync(words));
            Assert.True(ended is { ExitCode: 0, Errors: "" }, $"{command}: {ended.ExitCode}\n{ended.Output}\n{ended.Errors}");
            SortedSet<string> names = new(StringComparer.Ordinal);
            HashSet<string> empty = [];
            foreach (string document in command == "show" ? ended.Output.TrimEnd('\n').Split('\n') : [ended.Output])
                using (JsonDocument json = JsonDocument.Parse(document)) Collect(json.RootElement, "", names, empty);
            Assert.True(names.Count > 0, $"{command} has shown nothing: fill the store with something for it.");
            // The names in a list that is empty here are in the manual only.
            names.UnionWith(manual.GetValueOrDefault(command, []).Where(name => empty.Any(list => name.StartsWith(list + ".",
                StringComparison.Ordinal))));
            actual[command] = [.. names];
        }
        Assert.Equal(Text(manual.Where(one => commands.Any(command => command.Command == one.Key))), Text(actual));
        Assert.Empty(manual.Keys.Except(Commands.Select(static one => one.Command)));
    }

    [Fact]
    public async Task AFailureIsALineOnStandardErrorAndNothingElse()
    {
        foreach ((string command, string arguments) in Commands)
        {
            string[] words = [.. command.Split(' '), .. arguments.Split(' ')];
            await FailsAsync(2, [.. command.Split(' '), .. command == "schema" ? ["Shop"] : (string[])[], "--json"]);   // no store
            await FailsAsync(2, [.. words, "--colour", "--json"]);
            if (command is "completion" or "bench" or "schema") continue;                              // need no store that is there
            await FailsAsync(3, [.. words.Select(static word => word == Store ? "sqlite:missing.db" : word), "--json"]);
        }

        async Task FailsAsync(int exitCode, string[] arguments)
        {
            Ended ended = await RunAsync(arguments);
            ended.OneErrorLine(exitCode, "sluice");
            Assert.Equal("", ended.Output);
        }
    }

    [Fact]
    public async Task AnAnswerWithoutResultsIsJsonToo()
    {
        await (await SqliteStreamStore.OpenAsync(StorePath, Durability.Process, null, Cancellation)).DisposeAsync();
        foreach (string command in (string[])["streams", "dead", "members", "flows", "top", "graph"])
            Assert.Equal((command, 0), (command, (await RunJsonAsync(command, Store)).GetArrayLength()));
        Assert.Equal(0, (await RunJsonAsync("check", Store)).GetProperty("entries").GetInt32());
    }

    // Something of each kind: entries, letters, a group with a member, a reader, and a run of a flow.
    private static async Task FillAllAsync(IStreamStore store, Consecutor<string> orders)
    {
        await orders.StartAsync(Cancellation);
        foreach (string item in (string[])["one", "two", "\u202e\e[31mthree \ud83d\ude00 \"\\\n"])
            await orders.SendAsync(item, Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await store.OpenStreamAsync("prices", null, Cancellation);
        await store.OpenReaderAsync("prices", "copy", null, Cancellation);
        using (var batch = new EntryBatch())
        {
            batch.Add("\u202e\e]0;title\a"u8, EntryKey.Of("a"));
            batch.Add([0xff, 0xfe], EntryKey.Of("b"));
            await store.AppendAsync(new("prices", "sender", 0, 1, batch), Cancellation);
        }
        await using Supervisor supervisor = Supervisor.Attach(store, new() { Name = "shop", OnWarning = static _ => { } });
        var hello = new Processor("hello") { Outputs = ["greeting"] };
        var print = new Processor("print") { Inputs = ["greeting"] };
        supervisor.Register(hello, () => Task.FromResult("hello"));
        supervisor.Register(print, static async (IO<string> greeting) =>
        {
            await greeting.FirstAsync();
        });
        await using FlowRun run = await supervisor.StartAsync(Flow.From(hello, print).Resolve(), [], run: "run-1",
            cancellation: Cancellation);
        await run.Completion.WaitAsync(Cancellation);
    }

    private static string Text(IEnumerable<KeyValuePair<string, string[]>> names)
        => string.Join('\n', names.OrderBy(static one => one.Key, StringComparer.Ordinal)
            .Select(static one => $"{one.Key}: {string.Join(", ", one.Value.Order(StringComparer.Ordinal))}"));

    private static void Collect(JsonElement value, string path, SortedSet<string> names, HashSet<string> empty)
    {
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0) empty.Add(path);
        if (value.ValueKind == JsonValueKind.Array)
            foreach (JsonElement one in value.EnumerateArray()) Collect(one, path, names, empty);
        if (value.ValueKind != JsonValueKind.Object) return;
        foreach (JsonProperty one in value.EnumerateObject())
        {
            string name = path.Length == 0 ? one.Name : $"{path}.{one.Name}";
            names.Add(name);
            Collect(one.Value, name, names, empty);
        }
    }

    // A row of the manual's table of names: | `streams` → | `name`, `kind` |
    [GeneratedRegex(@"^\| JSON of `([a-z ]+)` \| (.*) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([A-Za-z0-9.]+)`")]
    private static partial Regex Name();
}
