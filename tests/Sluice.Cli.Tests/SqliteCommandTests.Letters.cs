using System.Text.Json;
using Sluice.Samples.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Cli.Tests;

// The ids of letters, and a loss that a command notices.
public sealed partial class SqliteCommandTests
{
    [Fact]
    public async Task ALetterKeepsTheIdOfItsItemAfterARedrive()
    {
        await using (SqliteStreamStore store = await OpenAsync()) await FillAsync(store, "twelve");
        string id = (await RunJsonAsync("dead", Store))[0].GetProperty("id").ToString();
        Assert.Equal("1 letter redriven\n", (await RunAsync("redrive", Store, "orders", id)).Succeeded().Output);
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
        Assert.Equal("3 letters redriven\n", (await RunAsync("redrive", Store, "orders", id)).Succeeded().Output);

        static string Refuse(string text) => throw new FormatException(text);
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
