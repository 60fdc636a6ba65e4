using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Items that left the order: what they wait for, and what waits behind them.</summary>
public sealed class WaitingTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new(new TestClock());

    [Fact]
    public async Task ThePageTellsRetriesKeysBehindThemParkedItemsAndSuspectsApart()
    {
        LeasedItems items = await LeasedItems.MakeAsync(store, "orders", ("ann", 0), ("ann", 0), ("bob", 0), ("ann", 0),
            ("eve", 7), ("eve", 7), ("dan", 0), ("kim", 0));
        await items.DeferAsync(new(1, 3, TimeSpan.FromHours(2), "Save", "TimeoutException: <b>slow</b>"),
            LeasedItems.Behind(2), LeasedItems.Behind(4), LeasedItems.Behind(6),
            new(5, 0, null, "", "It was written by code version 7, and this is 3."), new(7, 1, TimeSpan.Zero, "Check", "no good"));
        await items.DieAsync();                      // with two of them in flight

        string page = await PageAsync();
        Assert.Equal(["orders/0/7@1", "orders/0/1@1"], Items(page, "Failed items that are tried again"));      // the next one first
        Assert.Contains("in 2 h <", page, StringComparison.Ordinal);
        Assert.Contains("TimeoutException: &lt;b&gt;slow&lt;/b&gt;</td><td class=\"figures\">2</td>", page, StringComparison.Ordinal);
        Assert.Equal(["orders/0/2@1", "orders/0/4@1", "orders/0/6@1"], Items(page, "Items behind an earlier one of their key"));
        Assert.Contains("<td>orders/0/4@1</td><td>orders/0/1@1</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>orders/0/6@1</td><td>orders/0/5@1</td>", page, StringComparison.Ordinal);
        Assert.Equal(["orders/0/5@1"], Items(page, "Parked items: they wait for other code"));
        Assert.Contains("<td>orders/0/5@1</td><td class=\"figures\">7</td>", page, StringComparison.Ordinal);
        Assert.Equal(["orders/0/3@1", "orders/0/8@1"], Items(page, "Suspects: in flight when a process died, each is run alone"));
    }

    [Fact]
    public async Task OfManyWaitingItemsTheFirstAreShownAndThePageSaysSo()
    {
        LeasedItems items = await LeasedItems.MakeAsync(store, "orders",
            [.. Enumerable.Range(0, 600).Select(static i => ($"key-{i}", 0))]);
        await items.DeferAsync([.. Enumerable.Range(1, 600)
            .Select(static i => new RetryWrite(i, 1, TimeSpan.FromHours(1), "Save", "no"))]);
        string page = await PageAsync();
        Assert.Equal(25, Items(page, "Failed items that are tried again").Length);
        Assert.Contains("The first 25 of 200.", page, StringComparison.Ordinal);
        Assert.Contains("The first 200 of a partition are looked at", page, StringComparison.Ordinal);
    }

    /// <summary>The items of the node are behind those that are looked at.</summary>
    [Fact]
    public async Task ThePageOfANodeSaysHowManyItemsWereLookedAtAlsoIfNoneIsOfTheNode()
    {
        LeasedItems items = await LeasedItems.MakeAsync(store, "orders",
            [.. Enumerable.Range(0, 1002).Select(static i => ($"key-{i}", 0))]);
        await items.DeferAsync([.. Enumerable.Range(1, 1001)
            .Select(static i => new RetryWrite(i, 1, TimeSpan.FromHours(1), i <= 1000 ? "Save" : "Check", "no"))]);
        await items.BuryAsync(1002, "Check");
        Assert.Contains("There are more. The first 1,000 of a partition are looked at", await PageAsync("/nodes/Check"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task MembersHaveTheBacklogOfTheirPartitions()
    {
        await LeasedItems.MakeAsync(store, "orders", ("ann", 0), ("bob", 0), ("eve", 0));
        string page = await PageAsync();
        Assert.Contains("<td>first</td><td>", page, StringComparison.Ordinal);
        Assert.Matches("<td>first</td><td>(<span title=\"[^\"]+\">)?[a-z ]+(</span>)?</td>"
            + "<td class=\"figures\">1</td><td class=\"figures\">3</td>", page);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private async Task<string> PageAsync(string below = "")
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store }
        });
        using Viewer viewer = program.NewViewer();
        return (await viewer.GetAsync("/consecutors/orders" + below)).Text;
    }

    // The first cells of the table below a heading.
    private static string[] Items(string page, string heading)
    {
        string table = page.Split($"<h2>{heading}</h2>")[1].Split("</table>")[0];
        return [.. table.Split("<tr><td>").Skip(1).Select(static row => row.Split("</td>")[0])];
    }
}
