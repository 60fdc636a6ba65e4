using System.Collections.Concurrent;
using Npgsql;
using Sluice.PostgreSql.Sources;

namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>A snapshot has each row that is there, once, and as the stream would send it.</summary>
public class ChangesSnapshotTests(LogicalServer logical) : IClassFixture<LogicalServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>PostgreSQL shows no rows of a rewritten table to a snapshot that is older.</summary>
    [Theory]
    [InlineData("CREATE TABLE second(n int PRIMARY KEY)", "FOR TABLE orders, second")]
    [InlineData("CREATE TABLE second(n int PRIMARY KEY) PARTITION BY RANGE(n); CREATE TABLE part PARTITION OF second DEFAULT",
        "FOR TABLE orders, second WITH (publish_via_partition_root = true)")]
    public async Task ATableIsNotRewrittenBeforeItsRowsAreRead(string table, string published)
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server, "CREATE TABLE orders(id int PRIMARY KEY); "
            + $"{table}; INSERT INTO orders VALUES(1), (2); INSERT INTO second VALUES(7), (8); CREATE PUBLICATION shop {published}");
        var reads = new TaskCompletionSource();
        using var go = new ManualResetEventSlim();
        Task accepting = shop.Lab.AcceptAsync(shop.Changes(item: change =>
        {
            if (change.Kind == PostgresChangeKind.SnapshotRow)
            {
                reads.TrySetResult();
                go.Wait(Cancellation);
            }
            return ChangesLab.Text(change);
        }), 6);
        await Task.WhenAny(reads.Task, accepting);
        try
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => shop.Lab.RunAsync(
                "SET lock_timeout = '100ms'; ALTER TABLE second ADD COLUMN at timestamptz DEFAULT clock_timestamp()"));
            Assert.Equal(PostgresErrorCodes.LockNotAvailable, refused.SqlState);
        }
        finally
        {
            go.Set();
        }
        await accepting;
        Assert.Equal(["(", "1", "2", "7", "8", ")"], await shop.Lab.AcceptedAsync());
    }

    /// <remarks>Here is a newer server, which takes the statement for older ones, too.</remarks>
    [Theory, InlineData(130_000), InlineData(140_000), InlineData(150_000)]
    public async Task TheStatementForTheTablesIsOneForEachVersion(int version)
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        var catalog = new ChangesCatalog(new SourceServer("shop", shop.Lab.Database, shop.Lab.Warnings.Enqueue, TimeProvider.System),
            "shop");
        await using NpgsqlConnection reading = await shop.Lab.Database.OpenConnectionAsync(Cancellation);
        Assert.Contains(await catalog.TablesAsync(reading, version, Cancellation), static table => table.Name == "orders");
    }

    [Theory]
    [InlineData("ALTER TABLE orders ALTER id TYPE bigint", true)]
    [InlineData("ALTER TABLE orders ADD more int", false)]
    [InlineData("CREATE TABLE other(n int)", false)]
    public async Task ATableThatWasRewrittenSinceTheSnapshotIsNoticed(string change, bool isRewritten)
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server);
        var catalog = new ChangesCatalog(new SourceServer("shop", shop.Lab.Database, shop.Lab.Warnings.Enqueue, TimeProvider.System),
            "shop");
        await using NpgsqlConnection reading = await shop.Lab.Database.OpenConnectionAsync(Cancellation);
        await TableTests.RunAsync(reading, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT FROM pg_class LIMIT 1");
        await shop.Lab.RunAsync(change);
        List<PublishedTable> tables = await catalog.TablesAsync(reading, reading.PostgreSqlVersion.Major * 10_000, Cancellation);
        Task holding = catalog.HoldAsync(reading, tables, Cancellation);
        if (!isRewritten) await holding;
        else Assert.Contains("orders was rewritten", (await Assert.ThrowsAsync<IOException>(() => holding)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task RowsOfATableThatInheritsComeUnderTheirOwnTable()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server, "CREATE TABLE orders(id int PRIMARY KEY); "
            + "CREATE TABLE old_orders() INHERITS (orders); INSERT INTO orders VALUES(1); INSERT INTO old_orders VALUES(2); "
            + "CREATE PUBLICATION shop FOR TABLE orders");
        await shop.Lab.AcceptAsync(shop.Changes(item: static change => $"{change.Table}{change.Row?["id"]}"), 4);
        Assert.Equal(["", "old_orders2", "orders1", ""], await shop.Lab.AcceptedAsync());
    }

    [Fact]
    public async Task AValueOfSeveralPartsIsReadAlsoIfAPartOrAllAreNull()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server, "CREATE TYPE place AS (street text, number int); "
            + "CREATE TABLE orders(id int PRIMARY KEY, at place); CREATE PUBLICATION shop FOR TABLE orders; "
            + "INSERT INTO orders VALUES(1, ROW('Main', NULL)), (2, ROW(NULL, NULL)), (3, NULL), (4, ROW('Main', 2))");
        await shop.AcceptAsync(6);
        Assert.Equal(["(", "1,(Main,)", "2,(,)", "3,null", "4,(Main,2)", ")"], await shop.Lab.AcceptedAsync());
    }

    [Fact]
    public async Task AGeneratedColumnIsLeftOutOfATableWithoutAListOfColumns()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server,
            "CREATE TABLE orders(id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO orders VALUES(1); "
            + "CREATE PUBLICATION shop FOR TABLE orders");
        await shop.AcceptAsync(3);
        await shop.Lab.RunAsync("INSERT INTO orders VALUES(2)");
        await shop.AcceptAsync(1);
        Assert.Equal(["(", "1", ")", "+2."], await shop.Lab.AcceptedAsync());
    }

    /// <summary>The stream sends all rows. A snapshot without the rows that a policy hides would never become complete.</summary>
    [Fact]
    public async Task ASnapshotOfWhichAPolicyHidesRowsIsRefused()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server, ChangesLab.Orders
            + "; INSERT INTO orders VALUES(1, 'a'); ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
            + "CREATE POLICY tenant ON orders USING (note = 'b')");
        string why = await shop.FailAsync();
        Assert.Contains("row-level security", why, StringComparison.Ordinal);
        Assert.Contains("BYPASSRLS", why, StringComparison.Ordinal);
    }

    /// <summary>A date in another order than ISO's would be read as another day, without an error.</summary>
    [Fact]
    public async Task TextsDoNotDependOnTheFormatsThatTheDatabaseHasSet()
    {
        await using ChangesLab shop = await ChangesLab.StartAsync(logical.Server, "CREATE TABLE orders(id int PRIMARY KEY, day date, "
            + "span interval, part float8); CREATE PUBLICATION shop FOR TABLE orders; INSERT INTO orders VALUES(1, '2026-12-11', "
            + "'1 day 2 hours', 0.1::float8 + 0.2)");
        foreach (string setting in (string[])["datestyle = 'SQL, DMY'", "intervalstyle = sql_standard", "extra_float_digits = 0"])
            await logical.Server.AskAsync($"ALTER DATABASE {shop.Lab.Name} SET {setting}");
        await shop.AcceptAsync(3);
        await shop.Lab.RunAsync("INSERT INTO orders SELECT 2, day, span, part FROM orders");
        await shop.AcceptAsync(1);
        const string Texts = "2026-12-11,1 day 02:00:00,0.30000000000000004";
        Assert.Equal(["(", $"1,{Texts}", ")", $"+2,{Texts}."], await shop.Lab.AcceptedAsync());
    }
}
