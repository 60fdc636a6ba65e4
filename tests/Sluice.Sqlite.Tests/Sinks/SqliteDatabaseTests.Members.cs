using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

// Files that several members of a consecutor write, one after the other.
public sealed partial class SqliteDatabaseTests
{
    /// <summary>The last commit may be in a partition of another member, which has just let the file go.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AMemberWithoutAllPartitionsTakesNoRowsBackThatItDoesNotKnow(int known)
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        for (int i = 1; i <= 3; i++) await CommitAsync(sink, [$"{i}"]);
        await sink.End();
        foreach (string name in stored.Keys.ToArray()) stored[name] = known;
        var next = new SqliteDatabase(FilePath, new(Insert), Delete, Create, adopt: false);
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => BeginAsync(next, hasAllPartitions: false));
        Assert.Contains($"has the rows of 3 commits of books/words, and the partitions of this member know {known}", failure.Message,
            StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3"], Rows());

        // The other partitions have come: the sink begins, and the lock was free meanwhile.
        foreach (string name in stored.Keys.ToArray()) stored[name] = 3;
        await BeginAsync(next);
        await CommitAsync(next, ["4"]);
        await next.End();
        Assert.Equal(["1", "2", "3", "4"], Rows());
    }

    /// <remarks>The lock's name has ASCII letters only: other letters were dots, and two names were one.</remarks>
    [Theory]
    [InlineData("注文", "rows", "返品", "rows")]
    [InlineData("a b", "rows", "a.b", "rows")]
    [InlineData("a", "b.db", "a.b", "db")]
    public async Task EachNameHasItsOwnLock(string one, string oneNode, string other, string otherNode)
    {
        var first = new SqliteDatabase(FilePath, new(Insert), Delete, Create, adopt: false);
        var second = new SqliteDatabase(FilePath, new(Insert), Delete, Create, adopt: false);
        var third = new SqliteDatabase(FilePath, new(Insert), Delete, Create, adopt: false);
        await BeginAsync(first, consecutor: one, node: oneNode);
        await BeginAsync(second, consecutor: other, node: otherNode);
        var failure = await Assert.ThrowsAsync<IOException>(() => BeginAsync(third, consecutor: one, node: oneNode));
        Assert.Contains($"is being written for {one}/{oneNode} already", failure.Message, StringComparison.Ordinal);
        await first.End();
        await second.End();
    }

    /// <summary>Its commits would keep the partitions with their member, and its last one might be in doubt.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ANodeThatWasASinkOfAnotherKindIsRefused(bool isInStore)
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(FilePath + ".store", Durability.Process);
        Sink<string> former = SqliteSink.InDatabase<string>(FilePath, Insert, Delete, Row, Create);
        if (!isInStore) former = Sink.ToFile<string>(FilePath + ".txt", static word => word);
        Sink<string> sink = isInStore ? SqliteSink.InStore<string>(Insert, Row, Create)
            : SqliteSink.InDatabase<string>(FilePath, Insert, Delete, Row, Create);
        await using (Consecutor<string> first = Of(former))
        {
            await first.StartAsync(TestContext.Current.CancellationToken);
            await first.SendAsync("a", TestContext.Current.CancellationToken);
            await first.WaitForIdleAsync(TestContext.Current.CancellationToken);
            await first.StopAsync();
        }
        await using Consecutor<string> second = Of(sink);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => second.StartAsync(TestContext.Current.CancellationToken));
        Assert.Contains($"The node rows of words was a sink of another kind before: the store has its '{(isInStore ? "commits"
            : "words.db.txt")}'. Give the sink another name", failure.Message, StringComparison.Ordinal);

        Consecutor<string> Of(Sink<string> given) => new("words", source => source | given | Stage.Named("rows"), new() { Store = store });
    }
}
