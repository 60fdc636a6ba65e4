using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

public sealed partial class SqliteDatabaseTests
{
    /// <remarks>Formerly the row of the earlier item, whose commit was applied, was deleted.</remarks>
    [Theory]
    [InlineData("INSERT INTO word VALUES(?1, ?2, ?3, ?4) ON CONFLICT(text) DO NOTHING")]
    [InlineData("INSERT OR IGNORE INTO word VALUES(?1, ?2, ?3, ?4)")]
    [InlineData("INSERT INTO word SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM word WHERE text = ?1)")]
    public async Task AnInsertThatPassesOverARowLeavesItWhenItIsUndone(string insert)
    {
        TransactionalSink<object?[]> sink = await BeginAsync(Sink());
        await CommitAsync(sink, ["a"]);
        SinkCommit<object?[]> commit = Commit(["b", "a", "b"], new(0));
        await sink.Prepare(commit, default);
        Assert.Equal(["a", "b"], Rows());
        await sink.Finish(commit, false, default);
        Assert.Equal(["a"], Rows());
        await sink.Prepare(Commit(["a", "c"], new(0)), default);
        await sink.End();                            // as if the process had died

        sink = await BeginAsync(Sink());
        Assert.Equal(["a"], Rows());
        await CommitAsync(sink, ["a", "d"]);
        await sink.End();
        await (await BeginAsync(Sink())).End();
        Assert.Equal(["a", "d"], Rows());

        SqliteDatabase Sink() => new(FilePath, new(insert), Delete, Create, adopt: false);
    }

    [Fact]
    public async Task ARowThatATriggerWritesForAViewIsUndone()
    {
        using (var file = Database.Open(FilePath))
        {
            file.Execute(Create);
            file.Execute("CREATE VIEW words AS SELECT text, length FROM word");
            file.Execute("CREATE TRIGGER written INSTEAD OF INSERT ON words BEGIN "
                + "INSERT INTO word VALUES(NEW.text, NEW.length, 0, NULL); END");
        }
        TransactionalSink<object?[]> sink = await BeginAsync(
            new SqliteDatabase(FilePath, new("INSERT OR IGNORE INTO words SELECT ?1, ?2 WHERE ?3 IS ?3 AND ?4 NOTNULL"), Delete, null,
                false));
        SinkCommit<object?[]> commit = Commit(["a"], new(0));
        await sink.Prepare(commit, default);
        Assert.Equal(["a"], Rows());
        await sink.Finish(commit, false, default);
        Assert.Empty(Rows());
        await sink.End();
    }
}
