using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

/// <summary>What a store with Durability.Power flushes before it answers, and what it flushes a moment later.</summary>
public sealed class FlushTests : IDisposable
{
    private readonly TempDirectory directory = new();
    private readonly TestClock clock = new();

    [Fact]
    public async Task AppendsAreFlushedAtOnceAndSettlingCommitsAMomentLater()
    {
        await using Shop shop = await OpenAsync();
        await shop.AppendAsync("a", "b", "c");
        long accepted = shop.Store.Flushed;

        await shop.CommitAsync(shop.Next() with
        {
            Settled = [Only(await shop.LeaseAsync(1))],
            State = [new("node", "key", 1, new byte[8])]
        });
        Assert.Equal(accepted, shop.Store.Flushed);

        Task flushed = NextTransactionAsync(shop.Store);
        clock.Advance(Writer.FlushesAfter);          // no other call causes the flush
        await flushed;
        Assert.True(shop.Store.Flushed > accepted);
    }

    [Fact]
    public async Task CommitsWithExternalEffectsAreFlushedAtOnce()
    {
        await using Shop shop = await OpenAsync();
        await shop.AppendAsync("a", "b", "c", "d", "e", "f");
        await shop.Store.ExecuteAsync(new SqliteWrites().Add("CREATE TABLE mine(x)"));
        using EntryBatch output = Shop.Batch("out");
        Func<StoreCommit, long, StoreCommit>[] commits =
        [
            (commit, _) => commit with { MustLast = true },
            (commit, _) => commit with { Outputs = [new("results", output)] },
            (commit, sequence) => commit with { Settled = [], Deferred = [new(sequence, 1, TimeSpan.Zero)] },
            (commit, sequence) => commit with { Dead = [new(sequence, "node", "error", 1)] },
            (commit, _) => commit with { FileLengths = [new("file", 10)] },
            (commit, _) => commit with { Attachments = [new SqliteWrites().Add("INSERT INTO mine VALUES(1)")] },
        ];
        long before = shop.Store.Flushed;
        foreach (Func<StoreCommit, long, StoreCommit> with in commits)
        {
            Entry[] entries = await shop.LeaseAsync(1);
            Assert.Equal(before, shop.Store.Flushed);
            await shop.CommitAsync(with(shop.Next() with { Settled = [Only(entries)] }, entries[0].Sequence));
            Assert.True(shop.Store.Flushed > before);
            before = shop.Store.Flushed;
        }
    }

    [Fact]
    public async Task ACommitIsFlushedBeforeItsSinkIsTold()
    {
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("store.db"), Durability.Power,
            new() { Time = clock });
        var prepared = new List<long>();
        var committed = new List<long>();
        await using var consecutor = new Consecutor<int>("work", source => source | Sink.Commit(() => new Told(
            () => prepared.Add(store.Flushed), () => committed.Add(store.Flushed))), new() { Store = store, Run = new() { Time = clock } });
        await consecutor.StartAsync();
        for (int i = 0; i < 3; i++)
        {
            await consecutor.SendAsync(i);
            await consecutor.WaitForIdleAsync();
        }
        await consecutor.StopAsync();
        Assert.Equal((3, 3), (prepared.Count, committed.Count));
        Assert.All(prepared.Zip(committed), flushed => Assert.True(flushed.Second > flushed.First));
    }

    [Fact]
    public async Task AStoreThatOnlySettlesIsFlushedPeriodically()
    {
        await using Shop shop = await OpenAsync();
        await shop.AppendAsync([.. Enumerable.Range(0, 40).Select(i => $"{i}")]);
        long before = shop.Store.Flushed;
        for (int i = 0; i < 40; i++)
        {
            clock.Advance(Writer.FlushesAfter / 4);
            await shop.CommitAsync(shop.Next() with { Settled = [Only(await shop.LeaseAsync(1))] });
            if (i % 8 == 7)
            {
                Assert.True(shop.Store.Flushed > before);
                before = shop.Store.Flushed;
            }
        }
    }

    [Fact]
    public async Task AFailedFlushIsRetriedAfterADelay()
    {
        await using Shop shop = await OpenAsync();
        await shop.AppendAsync("a");
        await shop.SettleAllAsync();
        long before = shop.Store.Flushed;
        int tries = 0;
        TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously),
            flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        shop.Store.Probe = hasEnded =>
        {
            if (hasEnded) flushed.TrySetResult();
            else if (Interlocked.Increment(ref tries) == 1)
            {
                failed.TrySetResult();
                throw new SqliteFailure(SQLitePCL.raw.SQLITE_FULL, "database or disk is full");
            }
        };
        clock.Advance(Writer.FlushesAfter);
        await failed.Task;
        for (int i = 0; i < 100; i++) await shop.Store.FindStreamAsync("orders");
        Assert.Equal((1, before), (Volatile.Read(ref tries), shop.Store.Flushed));

        clock.Advance(Writer.FlushesAfter);
        await flushed.Task;
        await shop.Store.FindStreamAsync("orders");
        Assert.True(shop.Store.Flushed > before);
    }

    [Fact]
    public async Task ClosingTheStoreFlushesTheRest()
    {
        string path = directory.File("store.db");
        await using (Shop shop = await OpenAsync())
        {
            await shop.AppendAsync("a", "b");
            await shop.SettleAllAsync();
        }
        await using Shop again = await OpenAsync();
        Assert.Null(again.Store.Loss);
        Assert.Equal(0, (await again.Store.FindStreamAsync("orders"))!.Items);
        await again.Store.WithDatabaseAsync(database => Assert.Equal("0",
            database.Ask("SELECT (SELECT count(*) FROM sluice_chunk) + (SELECT count(*) FROM sluice_block)")));
    }

    public void Dispose() => directory.Dispose();

    private Task<Shop> OpenAsync() => Shop.OpenAsync(directory.File("store.db"), Durability.Power, new() { Time = clock });

    private static SequenceRange Only(Entry[] entries) => new(Assert.Single(entries).Sequence, entries[0].Sequence);

    /// <summary>A sink that adds nothing to its commits, so they only settle.</summary>
    private sealed class Told(Action prepared, Action committed) : TransactionalSink<int>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            prepared();
            return default;
        }

        protected override ValueTask CommittedAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            committed();
            return default;
        }
    }

    // Waits for the next transaction of the writer, which no call has caused.
    private static async Task NextTransactionAsync(SqliteStreamStore store)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Probe = hasEnded => _ = hasEnded && ended.TrySetResult();
        await ended.Task;
        await store.FindStreamAsync("orders");       // this call runs after the transaction
    }
}
