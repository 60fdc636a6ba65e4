using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>The size of a commit is limited, and only the sinks know how much output an item has.</summary>
public class LargeCommitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItemsWithMoreOutputThanACommitHoldsAreAllCommitted()
    {
        await using var store = new MemoryStreamStore();

        ConsecutorSnapshot books = await RunAsync(store, items: 1000, copies: 3);

        Assert.Equal((1000, 0, 0), (books.Completed, books.Dead, books.Unaccounted));
        Assert.Equal(3000, (await store.FindStreamAsync("out", Cancellation))!.Items);
    }

    [Fact]
    public async Task OneItemWithMoreOutputThanACommitHoldsIsCommittedCompletely()
    {
        await using var store = new MemoryStreamStore();

        ConsecutorSnapshot books = await RunAsync(store, items: 2, copies: (3 * StoreCommit.MaxItems) + 1);

        Assert.Equal((2, 0, 0), (books.Completed, books.Dead, books.Unaccounted));
        Assert.Equal(2 * ((3 * StoreCommit.MaxItems) + 1), (await store.FindStreamAsync("out", Cancellation))!.Items);
    }

    private static async Task<ConsecutorSnapshot> RunAsync(MemoryStreamStore store, int items, int copies)
    {
        await store.OpenStreamAsync("out", new() { Partitions = 1 }, Cancellation);
        await using var consecutor = new Consecutor<int>("work",
            source => source | (Sink.Commit(() => new Copies(copies)) | Stage.Named("copies")),
            new() { Store = store, Stream = new() { Partitions = 1 } });
        await consecutor.SendAllAsync([.. Enumerable.Range(0, items)], Cancellation);
        await consecutor.StartAsync(Cancellation);
        return await consecutor.WaitForIdleAsync(Cancellation);
    }

    private sealed class Copies(int count) : TransactionalSink<int>
    {
        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            var entries = new EntryBatch { Stream = "out" };
            foreach (StagedItem<int> item in commit.Items)
                for (int copy = 0; copy < count; copy++) entries.Add([(byte)item.Value]);
            commit.Append(new("out", entries));
            return default;
        }
    }
}
