using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Queries;

/// <summary>Rows of a database as items: in order and once, also after restarts.</summary>
public class QueryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string[] Ids(params int[] ids) => [.. ids.Select(id => $"{id}")];

    [Fact]
    public async Task RowsArriveInKeyOrderForAnyPageSize()
    {
        await using var orders = new OrdersTable();
        orders.Add(5, 1, 9, 3, 7, 2, 8);
        for (int rows = 1; rows <= 8; rows++)
        {
            List<string> seen = [];
            await (orders.ById(new() { MaxPageRows = rows }) | seen.Add).RunAsync();
            Assert.Equal(Ids(1, 2, 3, 5, 7, 8, 9), seen);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AQueryResumesAfterTheLastAcceptedRowAndSeesNewRows(bool isComposite)
    {
        for (int first = 0; first <= 7; first++)
        {
            await using var orders = new OrdersTable();
            orders.Add(1, 2, 3, 4, 5, 6, 7);
            await orders.AcceptAsync(isComposite ? orders.ByChange() : orders.ById(), first);
            orders.Add(8, 9);
            await orders.AcceptAsync(isComposite ? orders.ByChange() : orders.ById());
            await orders.AcceptAsync(isComposite ? orders.ByChange() : orders.ById());
            Assert.Equal(Ids(1, 2, 3, 4, 5, 6, 7, 8, 9), await orders.AcceptedAsync());
        }
    }

    [Fact]
    public async Task ARowWhoseKeyGrowsIsSeenAgain()
    {
        await using var orders = new OrdersTable();
        orders.Add(1, 2, 3);
        await orders.AcceptAsync(orders.ByChange());
        orders.Run("UPDATE orders SET changed = 7 WHERE id = 2");
        await orders.AcceptAsync(orders.ByChange());
        Assert.Equal(Ids(1, 2, 3, 2), await orders.AcceptedAsync());
    }

    // Each row becomes two items. The first run ends before, within or after the items of the row with id 3.
    [Theory]
    [InlineData(4, new[] { "1a", "1b", "2a", "2b", "4a", "4b", "5a", "5b" })]
    [InlineData(5, new[] { "1a", "1b", "2a", "2b", "3a", "4a", "4b", "5a", "5b" })]
    [InlineData(6, new[] { "1a", "1b", "2a", "2b", "3a", "3b", "4a", "4b", "5a", "5b" })]
    public async Task DeletingTheRowAtThePositionLosesNoOtherRow(int accepted, string[] expected)
    {
        await using var orders = new OrdersTable();
        orders.Add(1, 2, 3, 4, 5);
        await orders.AcceptAsync(orders.ById() | Twice, accepted);
        orders.Run("DELETE FROM orders WHERE id = 3");
        await orders.AcceptAsync(orders.ById() | Twice);
        Assert.Equal(expected, await orders.AcceptedAsync());
    }

    [Fact]
    public async Task RowsInsertedBeforeThePositionAreNotMistakenForIt()
    {
        await using var orders = new OrdersTable();
        orders.Add(10, 30);
        await orders.AcceptAsync(orders.ById() | Twice, 3);
        orders.Add(11, 12, 13, 14, 20);
        await orders.AcceptAsync(orders.ById() | Twice);
        Assert.Equal(["10a", "10b", "30a", "30b"], await orders.AcceptedAsync());
    }

    [Fact]
    public async Task AQueryPollsForNewRowsUntilItIsDrained()
    {
        await using var orders = new OrdersTable();
        var clock = new TestClock();
        orders.Add(1, 2);
        await using Consecutor<string> consecutor = orders.New(static _ => { });
        PipelineRun run = (orders.ById(new() { MaxPageRows = 3, PollInterval = TimeSpan.FromSeconds(5), Time = clock })
            | consecutor).Start(cancellation: Cancellation);
        await clock.WaitForTimersAsync(1, Cancellation);
        orders.Add(3, 4, 5, 6);
        Assert.Equal(2, run.Snapshot().Roots!.Value.Accepted);
        clock.Advance(TimeSpan.FromSeconds(5));
        await clock.WaitForTimersAsync(1, Cancellation);
        Assert.True(await run.StopAsync());
        await consecutor.DisposeAsync();
        Assert.Equal(Ids(1, 2, 3, 4, 5, 6), await orders.AcceptedAsync());
    }

    [Fact]
    public async Task AQueryHoldsNoLockWhileItsRowsAreProcessed()
    {
        await using var orders = new OrdersTable();
        orders.Run("PRAGMA journal_mode = DELETE");
        orders.Add(1, 2, 3, 4);
        int seen = 0;
        await (orders.ById() | (id =>
        {
            seen++;
            orders.Run($"UPDATE orders SET customer = 'seen' WHERE id = {id}");
        })).RunAsync(cancellation: Cancellation);
        Assert.Equal(4, seen);
    }

    [Fact]
    public async Task TextKeysAreOrderedByCodePointUnlessTextOrderIsSet()
    {
        await using var orders = new OrdersTable("CREATE TABLE orders(id TEXT COLLATE NOCASE)");
        orders.Run("INSERT INTO orders VALUES('a'), ('B'), ('\uFFFD'), ('\U0001F600')");
        List<string> seen = [];
        Source<string> Read(string collate, IComparer<string>? order) => Source.Query("orders", orders.Connect,
            $"SELECT id FROM orders WHERE id > @id {collate} ORDER BY id {collate} LIMIT @take", [new("id", "")], row => row.GetString(0),
                new() { MaxPageRows = 1, TextOrder = order });
        await (Read("COLLATE BINARY", null) | seen.Add).RunAsync(cancellation: Cancellation);
        Assert.Equal(["B", "a", "\uFFFD", "\U0001F600"], seen);
        seen.Clear();
        await (Read("", StringComparer.OrdinalIgnoreCase) | seen.Add).RunAsync(cancellation: Cancellation);
        Assert.Equal(["a", "B"], seen[..2]);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => (Read("", null) | seen.Add).RunAsync(cancellation: Cancellation));
        Assert.Contains("fails behind the row with id = 'a': the next row has id = 'B', and rows must ascend by their key", failure.Message,
            StringComparison.Ordinal);
    }

    private static IEnumerable<string> Twice(string id) => [$"{id}a", $"{id}b"];
}
