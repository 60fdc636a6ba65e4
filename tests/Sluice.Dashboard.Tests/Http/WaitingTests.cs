namespace Sluice.Dashboard.Tests.Http;

/// <summary>Items that left the order: what they wait for, and what waits behind them.</summary>
public sealed class WaitingTests : IAsyncDisposable
{
    private static readonly GroupId Group = new("orders", "orders");

    private readonly MemoryStreamStore store = new();
    private long commits;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ThePageTellsRetriesKeysBehindThemParkedItemsAndSuspectsApart()
    {
        Ownership owner = await FillAsync(("ann", 0), ("ann", 0), ("bob", 0), ("ann", 0), ("eve", 7), ("eve", 7), ("dan", 0), ("kim", 0));
        await CommitAsync(owner, new(1, 3, TimeSpan.FromHours(2), "Save", "TimeoutException: <b>slow</b>"),
            Behind(2), Behind(4), new(5, 0, null, "", "It was written by code version 7, and this is 3."), Behind(6),
            new(7, 1, TimeSpan.Zero, "Check", "no good"));
        // The owner dies with two of them in flight.
        await store.AcquireAsync(Group, 0, new("second"), cancellation: Cancellation);

        string page = await PageAsync();
        Assert.Equal(["orders/0/7@1", "orders/0/1@1"], Items(page, "Failed items that are tried again"));      // the next one first
        Assert.Contains("in 1 h 59 min", page, StringComparison.Ordinal);
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
        Ownership owner = await FillAsync([.. Enumerable.Range(0, 600).Select(static i => ($"key-{i}", 0))]);
        await CommitAsync(owner, [.. Enumerable.Range(1, 600)
            .Select(static i => new RetryWrite(i, 1, TimeSpan.FromHours(1), "Save", "no"))]);
        string page = await PageAsync();
        Assert.Equal(25, Items(page, "Failed items that are tried again").Length);
        Assert.Contains("The first 25 of 200.", page, StringComparison.Ordinal);
        Assert.Contains("The first 200 of a partition are looked at", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MembersHaveTheBacklogOfTheirPartitions()
    {
        await FillAsync(("ann", 0), ("bob", 0), ("eve", 0));
        string page = await PageAsync();
        Assert.Contains("<td>first</td><td>", page, StringComparison.Ordinal);
        Assert.Matches("<td>first</td><td>[a-z ]+</td><td class=\"figures\">1</td><td class=\"figures\">3</td>", page);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static RetryWrite Behind(long sequence)
        => new(sequence, 0, null, "", "It waits for one of its key that has failed and is to be tried again.");

    private async Task<string> PageAsync()
    {
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store }
        });
        using Viewer viewer = program.NewViewer();
        return (await viewer.GetAsync("/consecutors/orders")).Text;
    }

    // Accepts the items, and leases them to a member.
    private async Task<Ownership> FillAsync(params (string Key, int CodeVersion)[] items)
    {
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Group, cancellation: Cancellation);
        Ownership owner = (await store.AcquireAsync(Group, 0, new("first"), cancellation: Cancellation)).Ownership;
        await store.HeartbeatAsync(new(Group, "first", "first start", TimeSpan.FromSeconds(10)), Cancellation);
        long appended = 0;
        foreach ((string key, int version) in items)
        {
            using var batch = new EntryBatch { CodeVersion = version };
            batch.Add("{}"u8, EntryKey.Of(key));
            await store.AppendAsync(new("orders", "test", 0, ++appended, batch), Cancellation);
        }
        for (int leased = 0; leased < items.Length;)
            foreach (LeasedBatch one in (await store.LeaseAsync(new([owner]) { MaxItems = items.Length - leased }, Cancellation)).Batches)
                leased += one.Entries.Length;
        return owner;
    }

    private async Task CommitAsync(Ownership owner, params RetryWrite[] deferred)
    {
        foreach (RetryWrite[] some in deferred.Chunk(100))
            Assert.Equal(CommitStatus.Committed,
                (await store.CommitAsync(new(owner, ++commits) { Deferred = some }, Cancellation)).Status);
    }

    // The first cells of the table below a heading.
    private static string[] Items(string page, string heading)
    {
        string table = page.Split($"<h2>{heading}</h2>")[1].Split("</table>")[0];
        return [.. table.Split("<tr><td>").Skip(1).Select(static row => row.Split("</td>")[0])];
    }
}
