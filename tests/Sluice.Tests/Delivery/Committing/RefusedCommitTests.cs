using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A store that refuses the commits of a partition for good, because of damage there, stops that partition only.</summary>
public class RefusedCommitTests
{
    private const int Partitions = 8, Items = 40;

    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OtherPartitionsGoOn(bool keepsOrder)
    {
        var warnings = new ConcurrentQueue<string>();
        await using var store = new RefusingStore(new MemoryStreamStore(clock));
        await using var consecutor = new Consecutor<int>("work", static source => source | (static _ => { }),
            Member.Options("one", store, clock, Partitions) with { OnWarning = warnings.Enqueue })
        { Key = keepsOrder ? static n => $"{n}" : null };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(0, Items), Cancellation);
        long ofOthers = 0;
        await Member.UntilAsync(() => consecutor.Snapshot().Stopped.Count == 1);
        for (int i = 0; i < 3; i++) await Member.BeatAsync(store, clock, "one");
        await consecutor.SendAllAsync(Enumerable.Range(0, Items), Cancellation);
        foreach (PartitionInfo each in (await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions)
            if (each.Partition != store.Refused) ofOthers += each.Tail;
        while (consecutor.Snapshot().Completed < ofOthers) await Member.BeatAsync(store, clock, "one");
        ConsecutorSnapshot stopped = consecutor.Snapshot();
        Assert.Equal((store.Refused, ofOthers, 0L), (stopped.Stopped.Single().Partition, stopped.Completed, stopped.Unaccounted));
        Assert.Contains(RefusingStore.Message, Assert.Single(warnings), StringComparison.Ordinal);

        store.IsRepaired = true;
        Task idle = consecutor.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted) await Member.BeatAsync(store, clock, "one");
        await idle;
        ConsecutorSnapshot end = consecutor.Snapshot();
        Assert.True(end is { Completed: 2 * Items, Dead: 0, Stopped.Count: 0, Problem: null, Unaccounted: 0 }, $"{end}");
    }

    /// <summary>Refuses the commits of the partition that commits first.</summary>
    private sealed class RefusingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public const string Message = "The entry 7 is gone.";
        private int refused = -1;

        public bool IsRepaired { get; set; }

        public int Refused => refused;

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            int first = Interlocked.CompareExchange(ref refused, commit.Owner.Partition, -1);
            return IsRepaired || (first >= 0 && first != commit.Owner.Partition) ? base.CommitAsync(commit, cancellation)
                : throw new StreamStoreException(Message)
                {
                    IsPermanent = true,
                    Stream = commit.Owner.Group.Stream,
                    Partition = commit.Owner.Partition,
                    Sequence = 7
                };
        }
    }
}
