namespace Sluice.Dashboard.Tests.Http;

/// <summary>The page of a consecutor's state: rows by key, and the windows that are open where the key is.</summary>
public sealed class StateTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Day = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);

    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task AKeyHasItsRowsAndTheWindowsOfItsPartition()
    {
        await using var orders = new Consecutor<Order>("orders", static source => source
            | [
                static s => s.Window(new EventTime<Order>(static order => Day.AddMinutes(order.Note.Length)), TimeSpan.FromHours(1))
                    | Stage.Named("hours") | (static _ => { }),
                static s => s.Aggregate(0, static (count, _) => count + 1) | Stage.Named("all") | (static _ => { }),
            ], new() { Store = store })
        { Key = static order => order.Id };
        await orders.StartAsync(Cancellation);
        await orders.SendAllAsync([new("ann", "a"), new("ann", "bb"), new("bob", new string('x', 60))], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store }
        });
        using Viewer viewer = program.NewViewer();
        (int ann, int bob) = (EntryKey.Of("ann").PartitionOf(64), EntryKey.Of("bob").PartitionOf(64));
        Assert.NotEqual(ann, bob);

        string page = WebUtility.HtmlDecode((await viewer.GetAsync("/consecutors/orders/state?key=ann")).Text);
        Assert.Contains($"Items with the key 'ann' are in partition {ann}.", page, StringComparison.Ordinal);
        Assert.Contains(Row(ann, "00:00", "01:00", 2), page, StringComparison.Ordinal);
        Assert.DoesNotContain(Row(bob, "01:00", "02:00", 1), page, StringComparison.Ordinal);

        string all = (await viewer.GetAsync("/consecutors/orders/state?node=hours")).Text;
        Assert.Contains(Row(ann, "00:00", "01:00", 2), all, StringComparison.Ordinal);
        Assert.Contains(Row(bob, "01:00", "02:00", 1), all, StringComparison.Ordinal);
        Assert.DoesNotContain("0/head", all, StringComparison.Ordinal);
        string rows = (await viewer.GetAsync("/consecutors/orders/state?node=all")).Text;
        Assert.DoesNotContain("Windows", rows, StringComparison.Ordinal);
        Assert.Contains("<pre tabindex=\"0\">2</pre>", rows, StringComparison.Ordinal);
        Assert.Contains("No window is open.", (await viewer.GetAsync("/consecutors/orders/state?key=%3Cb%3E")).Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task OfManyWindowsTheFirstAreShown()
    {
        await using var orders = new Consecutor<string>("orders", static source => source
            .Window(new EventTime<string>(static text => Day.AddHours(text.Length)) { MaxOutOfOrderness = TimeSpan.FromDays(1000) },
                TimeSpan.FromHours(1)) | Stage.Named("hours") | (static _ => { }),
            new() { Store = store, Stream = new() { Partitions = 1 } });
        await orders.StartAsync(Cancellation);
        await orders.SendAllAsync([.. Enumerable.Range(1, 300).Select(static n => new string('x', n))], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store }
        });
        using Viewer viewer = program.NewViewer();
        string page = (await viewer.GetAsync("/consecutors/orders/state?node=hours")).Text;
        Assert.Contains("These are the first 200.", page, StringComparison.Ordinal);
        Assert.Equal(200, page.Split("<td>hours</td>").Length - 1);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Row(int partition, string start, string end, int items)
        => $"<td>hours</td><td class=\"figures\">{partition}</td><td>{Time(start)}</td><td>{Time(end)}</td><td class=\"figures\">{items}</td>";

    private static string Time(string time)
        => $"<time datetime=\"2026-11-24T{time}:00.0000000Z\">2026-11-24 {time}:00 UTC</time>";
}
