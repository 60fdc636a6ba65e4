using Microsoft.Data.Sqlite;

namespace Sluice.Sqlite.Tests.Queries;

/// <summary>An error of a query, its key or a row names the key of the row. The rows before it are accepted.</summary>
public class QueryMistakesTests
{
    [Theory]
    [InlineData("SELECT id FROM orders WHERE id > @id OR id > 0 ORDER BY id LIMIT @take",
        "fails behind the row with id = 3: the next row has id = 1, and rows must ascend by their key", 3)]
    [InlineData("SELECT id FROM orders WHERE id > @id ORDER BY id DESC LIMIT @take",
        "fails behind the row with id = 5: the next row has id = 4, and rows must ascend", 1)]
    [InlineData("SELECT changed AS id FROM orders WHERE changed > @id ORDER BY 1 LIMIT @take",
        "fails behind the row with id = 1: the next row has id = 1, and rows must ascend", 1)]
    [InlineData("SELECT customer FROM orders WHERE id > @id ORDER BY id LIMIT @take",
        "fails from its start: its result has no column 'id', which is of its key, but customer.", 0)]
    [InlineData("SELECT customer AS id FROM orders WHERE id > @id LIMIT @take",
        "fails from its start: the key column 'id' has a value of type string, and its start is of type long", 0)]
    [InlineData("SELECT NULLIF(id, 3) AS id FROM orders WHERE id > @id LIMIT @take",
        "fails behind the row with id = 2: a row has no value in the key column 'id'. Leave out such rows", 2)]
    [InlineData("SELECT id FROM nowhere WHERE id > @id LIMIT @take", "no such table: nowhere", 0)]
    [InlineData("SELEKT id FROM orders WHERE id > @id LIMIT @take", "It is: SELEKT id FROM orders", 0)]
    public async Task AnInvalidQueryFailsWithTheRowItReached(string sql, string message, int accepted)
    {
        await using var orders = new OrdersTable();
        orders.Add(1, 2, 3, 4, 5);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => orders.AcceptAsync(orders.ById(sql: sql)));
        Assert.Contains("The query of 'orders'", failure.Message, StringComparison.Ordinal);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.Equal(accepted, (await orders.AcceptedAsync()).Length);
    }

    [Fact]
    public async Task ARunResumesAtARowThatCouldNotBeConverted()
    {
        await using var orders = new OrdersTable();
        orders.Add(1, 2, 3, 4, 5);
        bool isRepaired = false;
        Source<string> source = Source.Query("orders", orders.Connect, "SELECT id FROM orders WHERE id > $id ORDER BY id LIMIT $take",
            [new("id", 0)],
            row => row.GetInt32(0) == 3 && !isRepaired ? throw new FormatException("not three") : $"{row.GetInt32(0)}");
        var failure = await Assert.ThrowsAsync<PipelineException>(() => orders.AcceptAsync(source));
        Assert.Contains("The query of 'orders' fails behind the row with id = 2: no item could be made of the row with id = 3: not three",
            failure.Message, StringComparison.Ordinal);
        Assert.Equal(["1", "2"], await orders.AcceptedAsync());
        isRepaired = true;
        await orders.AcceptAsync(source);
        Assert.Equal(["3", "4", "5"], await orders.AcceptedAsync());
    }

    [Fact]
    public async Task AConnectionThatIsHandedOutTwiceIsReported()
    {
        await using var orders = new OrdersTable();
        orders.Add(1, 2, 3);
        await using var shared = new OpenedOnce(orders.Connect().ConnectionString);
        Source<string> source = Source.Query("orders", () => shared, "SELECT id FROM orders WHERE id > @id ORDER BY id LIMIT @take",
            [new("id", 0L)], row => row.GetString(0), new() { MaxPageRows = 2 });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => orders.AcceptAsync(source));
        Assert.Contains("The query of 'orders' fails behind the row with id = 2: ", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("The function that connects has returned a connection again that the source has disposed: let it make a new one "
            + "for each page.", failure.InnerException!.Message, StringComparison.Ordinal);
    }

    // As connections of most providers.
    private sealed class OpenedOnce(string connection) : SqliteConnection(connection)
    {
        private bool isDisposed;

        public override void Open()
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            base.Open();
        }

        protected override void Dispose(bool disposing)
        {
            isDisposed = true;
            base.Dispose(disposing);
        }
    }

    [Fact]
    public async Task ATooLongKeyIsReported()
    {
        await using var orders = new OrdersTable("CREATE TABLE orders(id TEXT)");
        orders.Run($"INSERT INTO orders VALUES('a'), ('{new string('b', 3000)}')");
        Source<string> source = Source.Query("orders", orders.Connect, "SELECT id FROM orders WHERE id > @id ORDER BY id LIMIT @take",
            [new("id", "")], row => row.GetString(0));
        var failure = await Assert.ThrowsAsync<PipelineException>(() => orders.AcceptAsync(source));
        Assert.Contains("too long to be stored with each item. Take a shorter key.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["a"], await orders.AcceptedAsync());
    }

    [Fact]
    public async Task APositionOfAnotherKeyIsRefused()
    {
        await using var orders = new OrdersTable();
        orders.Add(1, 2, 3);
        await orders.AcceptAsync(orders.ById());
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => orders.AcceptAsync(orders.ByChange()));
        Assert.Contains("The position of the producer 'orders' is of the key (id), and the query's is (changed, id)", failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvalidQueryArgumentsAreRefusedAtConstruction()
    {
        await using var orders = new OrdersTable();
        Assert.Contains("does not use its parameter @id.", Refused("SELECT id FROM orders LIMIT @take", new QueryKey("id", 0L)),
            StringComparison.Ordinal);
        Assert.Contains("does not use its parameter @id.",
            Refused("SELECT id FROM orders WHERE id > @identity LIMIT @take", new QueryKey("id", 0L)), StringComparison.Ordinal);
        Assert.Contains("does not use its parameter @take.", Refused("SELECT id FROM orders WHERE id > @id", new QueryKey("id", 0L)),
            StringComparison.Ordinal);
        Assert.Contains("'my id' cannot be the name of a parameter", Refused("SELECT 1", new QueryKey("my id", 0L)),
            StringComparison.Ordinal);
        Assert.Contains("of type bool, which has no order", Refused("SELECT 1", new QueryKey("id", true)), StringComparison.Ordinal);
        Assert.Contains("one column at least", Refused("SELECT 1"), StringComparison.Ordinal);
        Assert.Contains("'ID' is named twice", Refused("SELECT 1", new("ID", 0), new("id", 0)), StringComparison.Ordinal);
        Assert.Contains("'take' is the name of the number of rows", Refused("SELECT @take", new QueryKey("take", 0)),
            StringComparison.Ordinal);

        string Refused(string sql, params QueryKey[] key)
            => Assert.ThrowsAny<ArgumentException>(() => Source.Query("orders", orders.Connect, sql, key, row => row.GetInt64(0))).Message;
    }
}
