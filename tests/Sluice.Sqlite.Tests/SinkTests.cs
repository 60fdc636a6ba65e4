using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

public sealed class SinkTests : IDisposable
{
    private readonly TempDirectory directory = new();

    [Fact]
    public async Task RowsInTheStoresDatabaseAreWrittenWithTheirCommitOnly()
    {
        string path = directory.File("store.db");
        StoreCommit commit;
        await using (Shop shop = await Shop.OpenAsync(path))
        {
            await shop.Store.ExecuteAsync(new SqliteWrites().Add("CREATE TABLE distance(pair TEXT UNIQUE, km REAL, raw BLOB, note TEXT)"));
            await shop.AppendAsync("ATL-LAX", "ATL-ORD");
            await shop.LeaseAsync();
            StoreCommit wrong = shop.Next() with { Settled = [new(1, 3)], Attachments = [Row("void", 1)] };
            Assert.Equal(CommitStatus.NotOutstanding, (await shop.Store.CommitAsync(wrong)).Status);
            StoreCommit stale = wrong with { Owner = wrong.Owner with { Epoch = 0 } };
            Assert.Equal(CommitStatus.Stale, (await shop.Store.CommitAsync(stale)).Status);
            commit = shop.Next() with { Settled = [new(1, 2)], Attachments = [Row("ATL-LAX", 3126.5), Row("ATL-ORD", 975)] };
            await shop.CommitAsync(commit);
            // a repeated commit does not write the rows again
            Assert.Equal(CommitStatus.Committed, (await shop.Store.CommitAsync(commit)).Status);
            await shop.Store.AbandonAsync();
        }
        await using Shop again = await Shop.OpenAsync(path);
        await again.Store.WithDatabaseAsync(database =>
        {
            Assert.Equal("ATL-LAX 3126.5 0102 null,ATL-ORD 975.0 0102 null",
                database.Ask("SELECT group_concat(pair || ' ' || km || ' ' || hex(raw) || ' ' || coalesce(note, 'null')) FROM distance"));
        });
    }

    [Fact]
    public async Task AStatementThatFailsVoidsItsCommitOnly()
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        await shop.Store.ExecuteAsync(new SqliteWrites().Add("CREATE TABLE distance(pair TEXT UNIQUE, km REAL, raw BLOB, note TEXT)"));
        await shop.AppendAsync("a");
        await shop.LeaseAsync();
        StoreCommit bad = shop.Next() with { Settled = [new(1, 1)], Attachments = [Row("a", 1), Row("a", 2)] };
        var failure = await Assert.ThrowsAsync<ItemRejectedException>(() => shop.Store.CommitAsync(bad).AsTask());
        Assert.Contains("UNIQUE", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, (await shop.Store.FindStreamAsync("orders"))!.Groups[0].Outstanding);
        await shop.CommitAsync(bad with { Attachments = [Row("a", 1)] });
        await shop.Store.WithDatabaseAsync(database => Assert.Equal("1", database.Ask("SELECT count(*) FROM distance")));
    }

    [Theory]
    [InlineData("COMMIT")]
    [InlineData("ROLLBACK")]
    [InlineData("SAVEPOINT x")]
    [InlineData("PRAGMA synchronous = OFF")]
    [InlineData("ATTACH 'other.db' AS other")]
    [InlineData("DELETE FROM sluice_chunk")]
    [InlineData("DROP TABLE sluice_meta")]
    [InlineData("DELETE FROM sqlite_sequence")]
    [InlineData("INSERT INTO sqlite_sequence VALUES('sluice_group', 1)")]
    [InlineData("WITH x AS (SELECT 1) UPDATE SQLITE_SEQUENCE SET seq = 0 WHERE name = 'sluice_stream'")]
    [InlineData("SELECT 1; SELECT 2")]
    public async Task AStatementThatCouldHarmTheStoreIsRefused(string sql)
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        await shop.AppendAsync("a");
        await Assert.ThrowsAsync<StreamStoreException>(() => shop.Store.ExecuteAsync(new SqliteWrites().Add(sql)).AsTask());
        await shop.AppendAsync("b");
        Assert.Equal(["a", "b"], await shop.ReadAsync());
    }

    /// <remarks>SQLite keeps the last ids itself, and asks for leave like a statement that changes them.</remarks>
    [Fact]
    public async Task ATableWithIdsOfItsOwnCanBeMadeFilledRenamedAndDropped()
    {
        await using Shop shop = await Shop.OpenAsync(directory.File("store.db"));
        await shop.Store.ExecuteAsync(new SqliteWrites().Add("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, x INTEGER)")
            .Add("INSERT INTO t(x) VALUES(1)").Add("DELETE FROM t").Add("ALTER TABLE t RENAME TO u").Add("INSERT INTO u(x) VALUES(2)"));
        await shop.Store.WithDatabaseAsync(database => Assert.Equal("2", database.Ask("SELECT id FROM u")));
        await shop.Store.ExecuteAsync(new SqliteWrites().Add("DROP TABLE u"));
        await shop.Store.WithDatabaseAsync(database => Assert.Null(database.Ask("SELECT seq FROM sqlite_sequence WHERE name = 'u'")));
    }

    [Fact]
    public async Task ATargetDatabaseHoldsEachRootOnceDespiteRepetitions()
    {
        string path = directory.File("target.db");
        SqliteWrites setup = new SqliteWrites().Add("CREATE TABLE IF NOT EXISTS t(root TEXT, x INTEGER)");
        await using (SqliteTarget target = SqliteTarget.Open(path, "DELETE FROM t WHERE root = ?", setup))
        {
            Assert.Equal(2, await target.WriteAsync([Root("r1", 1, 10, 11, 12), Root("r2", 1, 20)]));
            await Assert.ThrowsAsync<StreamStoreException>(() =>
                target.WriteAsync([Root("r3", 1, 30), new("r2", 2, new SqliteWrites().Add("INSERT INTO nowhere VALUES(1)"))]).AsTask());
        }
        // the process died before the commit of the store, so r1 is repeated, with fewer rows
        await using (SqliteTarget target = SqliteTarget.Open(path, "DELETE FROM t WHERE root = ?", setup))
        {
            Assert.Equal(1, await target.WriteAsync([Root("r1", 2, 13)]));
            Assert.Equal(0, await target.WriteAsync([Root("r1", 1, 10, 11, 12)])); // an earlier attempt arrives late
            await target.PruneAsync(["r1"]);
        }
        using Database database = Database.Open(path, readOnly: true);
        Assert.Equal("r1 13,r2 20", database.Ask("SELECT group_concat(root || ' ' || x) FROM (SELECT * FROM t ORDER BY root)"));
        Assert.Equal("1", database.Ask("SELECT count(*) FROM sluice_written"));
    }

    [Fact]
    public void AValueOfAnUnsupportedTypeIsRefused()
        => Assert.Contains("DateTime", Assert.Throws<ArgumentException>(() => new SqliteWrites().Add("INSERT INTO t VALUES(?)",
        DateTime.UnixEpoch)).Message, StringComparison.Ordinal);

    public void Dispose() => directory.Dispose();

    private static SqliteWrites Row(string pair, double km)
        => new SqliteWrites().Add("INSERT INTO distance VALUES(?, ?, ?, ?)", pair, km, new byte[] { 1, 2 }, null);

    private static RootWrites Root(string root, int attempt, params int[] values)
    {
        var writes = new SqliteWrites();
        foreach (int value in values) writes.Add("INSERT INTO t VALUES(?, ?)", root, value);
        return new(root, attempt, writes);
    }
}
