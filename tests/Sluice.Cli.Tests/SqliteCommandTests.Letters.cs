using System.Text.Json;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

// The ids and groups of letters, and a loss that a command notices.
public sealed partial class SqliteCommandTests
{
    private const string NotRun = "; no process runs orders, so nothing is processed until one does";

    [Fact]
    public async Task ALetterKeepsTheIdOfItsItemAfterARedrive()
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "twelve");
        string id = (await RunJsonAsync("dead", Store))[0].GetProperty("id").ToString();
        Assert.Equal($"1 letter redriven{NotRun}\n", (await RunAsync("redrive", Store, "orders", id)).Succeeded().Output);
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store);       // it dies again

        Assert.Equal(id, (await RunJsonAsync("dead", Store))[0].GetProperty("id").ToString());
        string shown = (await RunAsync("dead", "show", Store, "orders", id)).Succeeded().Output;
        Assert.Contains($"id        {id}\n", shown, StringComparison.Ordinal);
        Assert.Equal("1 letter discarded\n", (await RunAsync("discard", Store, "orders", id)).Succeeded().Output);
    }

    [Fact]
    public async Task AnIdSelectsAllPartsOfItsItem()
    {
        await using (SqliteStreamStore store = await OpenAsync())
        await using (var orders = new Consecutor<string>("orders", source => source.SelectMany(static text => text.Split(' ')) | Refuse
            | (_ => { }), new() { Store = store, Delivery = DeliveryGuarantee.Replay(0), OnWarning = static _ => { } }))
        {
            await orders.StartAsync(Cancellation);
            await orders.SendAllAsync(["one two three", "four"], Cancellation);
            await orders.WaitForIdleAsync(Cancellation);
        }
        JsonElement dead = await RunJsonAsync("dead", Store);
        Assert.Equal(4, dead.GetArrayLength());
        string id = dead.EnumerateArray().Select(static one => one.GetProperty("id").ToString()).GroupBy(static one => one)
            .Single(static one => one.Count() == 3).Key;
        long[] numbers = [.. dead.EnumerateArray().Where(one => one.GetProperty("id").ToString() == id)
            .Select(static one => one.GetProperty("number").GetInt64())];
        Assert.Contains($"id        {id}\nothers    {numbers[1]}, {numbers[2]}\n",
            (await RunAsync("dead", "show", Store, "orders", id)).Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(numbers[1..], (await RunJsonAsync("dead", "show", Store, "orders", id)).GetProperty("others").EnumerateArray()
            .Select(static one => one.GetInt64()));
        Assert.DoesNotContain("others", (await RunAsync("dead", "show", Store, "orders", $"{numbers[0]}")).Succeeded().Output,
            StringComparison.Ordinal);
        Assert.Equal($"3 letters redriven{NotRun}\n", (await RunAsync("redrive", Store, "orders", id)).Succeeded().Output);

        static string Refuse(string text) => throw new FormatException(text);
    }

    [Fact]
    public async Task ARedriveLeavesTheLettersOfADamagedPartition()
    {
        await using (SqliteStreamStore store = await OpenAsync())
            await FillAsync(store, [.. Enumerable.Range(1, 20).Select(static n => $"word {n}")]);
        Execute("UPDATE sluice_part SET done = done + 1 WHERE part = 1");
        string[] ids = [.. (await RunJsonAsync("dead", Store)).EnumerateArray().Select(static one => one.GetProperty("id").ToString())];
        int left = ids.Count(static id => id.StartsWith("orders/1/", StringComparison.Ordinal));
        Assert.InRange(left, 1, 19);

        Assert.Equal($"{20 - left} letters redriven; {left} left because of damage in the store: partition 1 ('sluice check' says how)"
            + $"{NotRun}\n", (await RunAsync("redrive", Store, "orders", "--all")).Succeeded().Output);
        Ended none = await RunAsync("redrive", Store, "orders", "--all", "--json");
        using JsonDocument json = JsonDocument.Parse(none.Output);
        Assert.Equal((1, 0, left), (none.ExitCode, json.RootElement.GetProperty("redriven").GetInt32(),
            json.RootElement.GetProperty("damaged").GetInt32()));
        Assert.Equal($"{left} letters discarded\n", (await RunAsync("discard", Store, "orders", "--all")).Succeeded().Output);
    }

    [Fact]
    public async Task LettersOfAGroupOfAStreamAreListedAndDiscarded()
    {
        await using SqliteStreamStore store = await OpenAsync();
        var hosts = new GroupId("work/print", "hosts");
        await store.OpenStreamAsync(hosts.Stream, new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(hosts, cancellation: Cancellation);
        await AppendAsync(store, hosts.Stream, 1, ("order-1", "an order"));
        Ownership owner = (await store.AcquireAsync(hosts, 0, new("shop-1"), Cancellation)).Ownership;
        await store.LeaseAsync(new([owner]), Cancellation);
        string error = $"FormatException: {new string('x', 100)} broken";
        await store.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Dead = [new(1, "order", error, 1)] }, Cancellation);

        Ended list = await RunAsync("dead", Store);
        Assert.Equal(["work/print:hosts", "1"], Words(Lines(list)[1])[..2]);
        Assert.EndsWith(" broken", Lines(list)[1], StringComparison.Ordinal);        // no person sees it, so it is not cut
        Assert.Equal(list.Output, (await RunAsync("dead", Store, "work/print:hosts")).Succeeded().Output);
        Assert.Contains("node      order\n", (await RunAsync("dead", "show", Store, "work/print:hosts", "1")).Succeeded().Output,
            StringComparison.Ordinal);
        Assert.Contains("The stream 'work/print' belongs to no consecutor. A group of a stream is STREAM:GROUP.",
            await MistakeAsync(1, "dead", Store, "work/print"), StringComparison.Ordinal);
        Assert.Equal("1 letter discarded\n", (await RunAsync("discard", Store, "work/print:hosts", "1")).Succeeded().Output);
        Assert.Equal("no dead letters\n", (await RunAsync("dead", Store)).Succeeded().Output);
    }

    [Theory]
    [InlineData(false, "paused")]
    [InlineData(true, "drained")]
    public async Task ARedriveSaysThatAHeldConsecutorBeginsNothing(bool isDrained, string word)
    {
        await using (SqliteStreamStore store = await OpenAsync())
        {
            await FillAsync(store, "one");
            if (isDrained) await store.DrainGroupAsync(new("orders", "orders"), Cancellation);
            else await store.PauseGroupAsync(new("orders", "orders"), true, Cancellation);
        }
        Assert.Matches($"^1 letter redriven; orders is {word} since .*, and begins nothing until it is resumed\n$",
            (await RunAsync("redrive", Store, "orders", "--all")).Succeeded().Output);
    }

    [Fact]
    public async Task ALossIsToldByTheCommandThatNoticesItAndByTheServiceAfterIt()
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "1");
        byte[] backup = await File.ReadAllBytesAsync(StorePath, Cancellation);
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "2", "3");
        await File.WriteAllBytesAsync(StorePath, backup, Cancellation);

        foreach (string command in (string[])["pause", "resume"])
        {
            Ended ended = await RunAsync(command, Store, "orders");
            Assert.Equal(0, ended.ExitCode);
            Assert.Contains("an older copy was put in its place", ended.Errors, StringComparison.Ordinal);
        }
        await using SqliteStreamStore service = await OpenAsync();
        Assert.Contains("an older copy was put in its place", service.Loss, StringComparison.Ordinal);
    }
}
