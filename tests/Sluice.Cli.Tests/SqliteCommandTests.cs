using System.Text.Json;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

/// <summary>The commands over a SQLite store, which this process has open or has closed.</summary>
public sealed partial class SqliteCommandTests : CliTestBase
{
    private const string Store = "sqlite:orders.db";

    private Task<SqliteStreamStore> OpenAsync() => SqliteStreamStore.OpenAsync(StorePath, Durability.Process).AsTask();

    [Fact]
    public async Task StreamsAreListedWhileAnotherProcessHasTheStore()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "12", "twelve");
        await store.OpenStreamAsync("prices", new() { Partitions = 1 }, Cancellation);

        string[] lines = Lines(await RunAsync("streams", Store));
        Assert.Equal(3, lines.Length);
        Assert.Equal(["NAME", "KIND", "KEPT", "SIZE", "BACKLOG", "WAITING", "DEAD", "STATE"], Words(lines[0]));
        Assert.Equal(["orders", "consecutor", "0", "0", "B", "0", "0", "1", "open"], Words(lines[1]));
        Assert.Equal(["prices", "stream"], Words(lines[2])[..2]);
        Assert.Equal(["prices"], Lines(await RunAsync("streams", Store, "--prefix", "p"))[1..].Select(line => Words(line)[0]));

        JsonElement orders = (await RunJsonAsync("streams", Store))[0];
        Assert.Equal(("orders", "consecutor", 2), (orders.GetProperty("name").GetString(), orders.GetProperty("kind").GetString(),
            orders.GetProperty("appended").GetInt32()));
        Assert.Equal(1, orders.GetProperty("groups")[0].GetProperty("dead").GetInt32());
    }

    [Fact]
    public async Task TheBacklogsOfReadersAndOfAProcessThatHasEndedAreShown()
    {
        GroupId group = new("orders", "orders");
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
            await store.AddGroupAsync(group, StreamStart.First, Cancellation);
            await store.AcquireAsync(group, 0, new("killed"), Cancellation);
            await store.OpenStreamAsync("prices", new() { Partitions = 1 }, Cancellation);
            await store.OpenReaderAsync("prices", "till", cancellation: Cancellation);
            foreach (string stream in (string[])["orders", "prices"])
            {
                using EntryBatch batch = new();
                batch.Add("1"u8, EntryKey.Of("a"));
                await store.AppendAsync(new(stream, "sender", 0, 1, batch), Cancellation);
            }
        }
        Assert.Equal("1", Words(Lines(await RunAsync("streams", Store))[2])[5]);
        JsonElement rows = await RunJsonAsync("top", Store, "--interval", "0.5");
        Assert.Equal([("orders", 1, "killed sends no heartbeats: ended, or takes no questions"), ("prices", 1, "of the reader till")],
            rows.EnumerateArray().Select(static row => (row.GetProperty("name").GetString()!, row.GetProperty("backlog").GetInt32(),
                row.GetProperty("note").GetString()!)));
    }

    [Fact]
    public async Task DeadLettersAreListedAndShown()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "12", "twelve", "\e[31mred");

        string[] lines = Lines(await RunAsync("dead", Store));
        Assert.Equal(3, lines.Length);
        Assert.Equal(["CONSECUTOR", "NUMBER", "ID", "NODE", "ATTEMPTS", "DIED", "AT", "ERROR"], Words(lines[0]));
        Assert.Equal(["orders", "1"], Words(lines[1])[..2]);
        Assert.Equal("Parse", Words(lines[1])[3]);
        Assert.Equal("2", Words(lines[1])[4]);

        JsonElement letters = await RunJsonAsync("dead", Store, "orders", "--error", "'twelve'");
        string id = Assert.Single(letters.EnumerateArray()).GetProperty("id").GetString()!;
        Assert.Equal("\"twelve\"", letters[0].GetProperty("text").GetString());
        Assert.Empty((await RunJsonAsync("dead", Store, "--node", "Other")).EnumerateArray());
        Assert.Equal(2, (await RunJsonAsync("dead", Store, "--since", "1h")).GetArrayLength());
        Assert.Empty((await RunJsonAsync("dead", Store, "--since", "2100-01-01")).EnumerateArray());
        Assert.Single((await RunJsonAsync("dead", Store, "--after", "1")).EnumerateArray());

        string shown = (await RunAsync("dead", "show", Store, "orders", id)).Succeeded().Output;
        Assert.Contains("payload   \"twelve\"", shown, StringComparison.Ordinal);
        Assert.Contains("node      Parse", shown, StringComparison.Ordinal);
        Assert.Contains("call      System.", shown, StringComparison.Ordinal);
        Assert.StartsWith("System.", letters[0].GetProperty("stack")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(shown, (await RunAsync("dead", "show", Store, "orders", $"{letters[0].GetProperty("number")}")).Succeeded().Output);
        Assert.DoesNotContain("\ntext ", shown, StringComparison.Ordinal);
        Assert.Contains("payload   \"\\u001B[31mred\"\ntext      \\u001b[31mred\n",
            (await RunAsync("dead", "show", Store, "orders", $"{1 + 2 - letters[0].GetProperty("number").GetInt64()}")).Succeeded().Output,
            StringComparison.Ordinal);               // two partitions: either may have died first
        Assert.Contains("has no dead letter 99", await MistakeAsync(1, "dead", "show", Store, "orders", "99"), StringComparison.Ordinal);
        Assert.Contains("no consecutor 'other'", await MistakeAsync(1, "dead", Store, "other"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LettersAreRedrivenAndDiscardedWhenTheStoreIsFree()
    {
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await FillAsync(store, "one", "two", "three", "four");
            Assert.Equal(4, (await RunJsonAsync("dead", Store)).GetArrayLength());
        }

        string one = await IdAsync("'one'", "number"), three = await IdAsync("'three'", "id");
        Assert.Equal($"1 letter redriven{NotRun}\n", (await RunAsync("redrive", Store, "orders", one)).Succeeded().Output);
        Assert.Contains($"has no dead letter {one}. Nothing was changed.", await MistakeAsync(1, "redrive", Store, "orders", three, one),
            StringComparison.Ordinal);
        Assert.Equal("1 letter discarded\n", (await RunAsync("discard", Store, "orders", "--error", "'two'")).Succeeded().Output);
        Ended none = await RunAsync("discard", Store, "orders", "--error", "'two'");
        Assert.Equal((1, "0 letters discarded\n"), (none.ExitCode, none.Output));
        Ended misspelt = await RunAsync("redrive", Store, "orders", "--node", "parse");
        Assert.Equal((1, "0 letters redriven: none failed in 'parse', but in 'Parse'\n"), (misspelt.ExitCode, misspelt.Output));
        Assert.Equal(2, (await RunJsonAsync("redrive", Store, "orders", "--all")).GetProperty("redriven").GetInt32());
        Assert.Equal("no dead letters\n", (await RunAsync("dead", Store)).Succeeded().Output);

        await using (SqliteStreamStore store = await OpenAsync())
        {
            Assert.Equal(3, (await store.FindStreamAsync("orders", Cancellation))!.Groups[0].Outstanding);
            await FillAsync(store);                      // they die again
        }
        Assert.Equal(3, (await RunJsonAsync("dead", Store)).GetArrayLength());

        async Task<string> IdAsync(string error, string property)
            => (await RunJsonAsync("dead", Store, "--error", error))[0].GetProperty(property).ToString();
    }

    [Fact]
    public async Task ADamagedLetterIsNamedAndLeftByARedrive()
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "first word", "second word", "third word");
        byte[] file = await File.ReadAllBytesAsync(StorePath, Cancellation);
        for (int at = 0; file.AsSpan(at).IndexOf("\"second word\""u8) is >= 0 and var found; at += found + 1) file[at + found + 1] ^= 1;
        await File.WriteAllBytesAsync(StorePath, file, Cancellation);

        JsonElement damaged = (await RunJsonAsync("dead", Store)).EnumerateArray()
            .Single(static one => one.GetProperty("isDamaged").GetBoolean());
        Assert.Contains("second word", damaged.GetProperty("error").GetString(), StringComparison.Ordinal);
        string number = damaged.GetProperty("number").ToString();
        Assert.Contains("payload   (damaged in the store; 'sluice check' says how)\n",
            (await RunAsync("dead", "show", Store, "orders", number)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains($"The dead letter {number} is damaged, and cannot be redriven.",
            await MistakeAsync(1, "redrive", Store, "orders", number), StringComparison.Ordinal);
        Assert.Equal($"2 letters redriven; 1 damaged in the store, and left ('sluice check' says how){NotRun}\n",
            (await RunAsync("redrive", Store, "orders", "--all")).Succeeded().Output);
        Ended none = await RunAsync("redrive", Store, "orders", "--all", "--json");
        using JsonDocument json = JsonDocument.Parse(none.Output);
        Assert.Equal((1, 0, 1), (none.ExitCode, json.RootElement.GetProperty("redriven").GetInt32(),
            json.RootElement.GetProperty("damaged").GetInt32()));
        Assert.Equal("1 letter discarded\n", (await RunAsync("discard", Store, "orders", number)).Succeeded().Output);
    }

    [Fact]
    public async Task AStreamIsShownAndFollowed()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await store.OpenStreamAsync("prices", new() { Partitions = 4 }, Cancellation);
        await AppendAsync(store, 1, ("EUR", "1.10"), ("USD", "1.00"), ("EUR", "1.20"));

        string[] lines = Lines(await RunAsync("show", Store, "prices"));
        Assert.Equal("prices: stream, open, 4 partitions", lines[0]);
        Assert.StartsWith("3 appended, 3 kept", lines[1], StringComparison.Ordinal);
        Assert.Equal(["1.00", "1.10", "1.20"], lines[^3..].Select(line => Words(line)[^1]).Order());
        Assert.Equal(["1.10", "1.20"], Texts(await RunAsync("show", Store, "prices", "--key", "EUR", "--json")));
        Assert.Equal(["1.20"], Texts(await RunAsync("show", Store, "prices", "--key", "EUR", "--max", "1", "--json")));
        Assert.Contains("no stream 'other'", await MistakeAsync(1, "show", Store, "other"), StringComparison.Ordinal);

        using SampleProcess follower = Start("show", Store, "prices", "--follow", "--key", "EUR");
        await follower.ReadUntilAsync(line => line.EndsWith("1.20", StringComparison.Ordinal));
        await AppendAsync(store, 4, ("USD", "1.01"), ("EUR", "1.30"));
        await follower.ReadUntilAsync(line => line.EndsWith("1.30", StringComparison.Ordinal));
        await store.EndStreamAsync("prices", StreamEnd.Complete, Cancellation);
        (await follower.EndAsync()).Succeeded();

        static IEnumerable<string> Texts(Ended ended)
            => Lines(ended).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!);
    }

    [Fact]
    public async Task FollowingEndsWithCtrlC()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await store.OpenStreamAsync("prices", new() { Partitions = 1 }, Cancellation);
        using SampleProcess follower = Start("show", Store, "prices", "--follow");
        await follower.ReadUntilAsync(line => line.StartsWith("0 appended", StringComparison.Ordinal));
        await AppendAsync(store, 1, ("EUR", "1.10"));
        await follower.ReadUntilAsync(line => line.EndsWith("1.10", StringComparison.Ordinal));
        await follower.SignalAsync("INT");
        (await follower.EndAsync()).Succeeded();
    }

    [Fact]
    public async Task ACheckFindsDamage()
    {
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await FillAsync(store, "twelve");
            Assert.Equal("2 entries checked, no damage\n", (await RunAsync("check", Store)).Succeeded().Output);
        }
        byte[] file = await File.ReadAllBytesAsync(StorePath, Cancellation);
        for (int at = 0, next; (next = file.AsSpan(at).IndexOf("\"twelve\""u8)) >= 0; at += next + 1) file[at + next + 2] ^= 1;
        await File.WriteAllBytesAsync(StorePath, file, Cancellation);
        Ended damaged = await RunAsync("check", Store);
        Assert.Equal(1, damaged.ExitCode);
        Assert.Contains("1 damaged places", damaged.Output, StringComparison.Ordinal);
        Assert.Contains("orders", damaged.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABackupIsAStore()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "twelve");
        Assert.StartsWith("copied to ", (await RunAsync("backup", Store, "copy.db")).Succeeded().Output, StringComparison.Ordinal);
        Assert.Contains("exists already", await MistakeAsync(3, "backup", Store, "copy.db"), StringComparison.Ordinal);
        Assert.Single((await RunJsonAsync("dead", "sqlite:copy.db")).EnumerateArray());
    }

    [Fact]
    public async Task TopShowsOnceWithoutATerminal()
    {
        await using SqliteStreamStore store = await OpenAsync();
        await FillAsync(store, "twelve");
        await AppendAsync(store, "orders", 1, ("a", "1"), ("b", "2"));
        string[] lines = Lines(await RunAsync("top", Store, "--interval", "0.5"));
        Assert.Equal("NAME IN/S DONE/S BACKLOG FLIGHT WAITING DEAD OLDEST OWNERS NOTE", string.Join(' ', Words(lines[0])));
        Assert.Equal(["orders", "0.0", "0.0", "2", "0", "0", "1"], Words(lines[1])[..7]);
        Assert.EndsWith("stuck: no member owns a partition", lines[1], StringComparison.Ordinal);
        Assert.Equal(2, (await RunJsonAsync("top", Store, "--interval", "0.5"))[0].GetProperty("backlog").GetInt32());
    }

    [Fact]
    public async Task TopTellsItemsInFlightFromItemsThatNoMemberHasBegun()
    {
        await using SqliteStreamStore store = await OpenAsync();
        var begun = new SemaphoreSlim(0);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (var orders = new Consecutor<int>("orders", source => source | (async (int _, CancellationToken _) =>
        {
            begun.Release();
            await end.Task;
        }) | Stage.Parallel(2), new() { Store = store, MaxInFlight = 2, Stream = new() { Partitions = 1 } }))
        {
            await orders.SendAllAsync([1, 2, 3, 4, 5], Cancellation);
            await orders.StartAsync(Cancellation);
            for (int i = 0; i < 2; i++) await begun.WaitAsync(Cancellation);
            JsonElement row;
            do row = (await RunJsonAsync("top", Store, "--interval", "0.5"))[0];
            while (row.GetProperty("inFlight").GetInt64() == 0);       // a look may be a moment old
            Assert.Equal((5, 2), (row.GetProperty("backlog").GetInt32(), row.GetProperty("inFlight").GetInt32()));
            end.SetResult();
            await orders.WaitForIdleAsync(Cancellation);
        }
    }

    [Fact]
    public async Task OwnersAreListedWithoutHeartbeatsIfTheProcessIsNotAsked()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(StorePath, Durability.Process,
            new() { AcceptsChanges = false }, Cancellation);
        Assert.Equal("no members\n", (await RunAsync("members", Store)).Succeeded().Output);
        await using Consecutor<string> orders = Orders(store);
        await orders.StartAsync(Cancellation);
        await orders.SendAsync("1", Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        JsonElement member = Assert.Single((await RunJsonAsync("members", Store, "orders")).EnumerateArray());
        Assert.Single((await RunJsonAsync("members", Store, "orders:orders")).EnumerateArray());
        Assert.Equal(("noHeartbeats", 2), (member.GetProperty("status").GetString(), member.GetProperty("partitions").GetInt32()));
        Assert.Contains("owner only", (await RunAsync("members", Store)).Succeeded().Output, StringComparison.Ordinal);
    }

    private static Task AppendAsync(SqliteStreamStore store, long number, params (string Key, string Text)[] entries)
        => AppendAsync(store, "prices", number, entries);

    private static async Task AppendAsync(SqliteStreamStore store, string stream, long number, params (string Key, string Text)[] entries)
    {
        using var batch = new EntryBatch();
        foreach ((string key, string text) in entries) batch.Add(System.Text.Encoding.UTF8.GetBytes(text), EntryKey.Of(key));
        await store.AppendAsync(new(stream, "sender", 0, number, batch), Cancellation);
    }

    private static string[] Lines(Ended ended) => ended.Succeeded().Output.TrimEnd('\n').Split('\n');

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
