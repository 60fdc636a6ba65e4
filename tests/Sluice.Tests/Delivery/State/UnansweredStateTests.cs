using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Stored state while the store fails for a moment.</summary>
public class UnansweredStateTests
{
    private const int Keys = 10_050;                 // some more than are read when a partition is taken

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFailedReadOfStateIsNotChargedToTheItem()
    {
        TestClock clock = new();
        await using var store = new SilentStore(new MemoryStreamStore(clock));
        await using (Consecutor<int> before = Make())
        {
            await before.StartAsync(Cancellation);
            await before.SendAllAsync([.. Enumerable.Range(0, Keys)], Cancellation);
            Assert.Equal(Keys, (await before.WaitForIdleAsync(Cancellation)).Completed);
        }
        await using Consecutor<int> consecutor = Make();
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(0, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.ReadsToFail = 2;
        await consecutor.SendAsync(9_999, Cancellation);         // the last one in the order of the keys
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        await Member.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return idle.IsCompleted;
        });
        Assert.True(await idle is { Completed: Keys + 2, Cancelled: 0, Unaccounted: 0 }, $"{await idle}");
        Assert.Equal(0, store.ReadsToFail);

        Consecutor<int> Make() => new("work",
            source => source | StageNode.Of(() => new CountByKey<int>()) | Stage.Named("count") | (_ => { }),
            new()
            {
                Store = store,
                Stream = new() { Partitions = 1, MaxItems = 2 * Keys },
                Delivery = DeliveryGuarantee.Confirm,
                Run = new() { Time = clock },
                Process = new()
            })
        { Key = static n => $"{n}" };
    }

    /// <remarks>A lease has failed, so the consecutor has given its partition back and is about to acquire it again. Its sum is not put out
    /// yet.</remarks>
    [Fact]
    public async Task WaitForIdleWaitsWhileThePartitionHasNoOwner()
    {
        TestClock clock = new();
        await using var store = new SilentStore(new MemoryStreamStore(clock));
        var ledger = new Ledger();
        await using var consecutor = new Consecutor<int>("work",
            source => source.Aggregate(0, static (sum, n) => sum + n) | Stage.Named("sum") | ledger.Sink<int>(),
                Member.Options("one", store, clock));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.FailsEnd = true;
        await consecutor.CompleteAsync(Cancellation);
        await store.HasFailed.Task.WaitAsync(Cancellation);
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        for (int i = 0; i < 200; i++) await Member.NextAsync();
        Assert.False(idle.IsCompleted);
        store.MayBeat.SetResult();
        await Member.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return idle.IsCompleted;
        });
        Assert.Equal(["6"], ledger.Lines);
    }

    private sealed class SilentStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private int reads;

        public int ReadsToFail
        {
            get => Math.Max(0, Volatile.Read(ref reads));
            set => reads = value;
        }

        public volatile bool FailsEnd;

        private volatile bool hasFailedEnd;

        public TaskCompletionSource HasFailed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource MayBeat { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
            => node == "count" && Interlocked.Decrement(ref reads) >= 0 ? throw new StreamStoreException("The connection is cut.")
            : base.ReadStateAsync(group, partition, node, keys, cancellation);

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            if (!FailsEnd || !result.IsEnded) return result;
            (FailsEnd, hasFailedEnd) = (false, true);
            throw new StreamStoreException("The answer was lost.");
        }

        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            bool released = await base.ReleaseAsync(owner, cancellation);
            if (!hasFailedEnd || !HasFailed.TrySetResult()) return released;
            await MayBeat.Task.WaitAsync(cancellation);
            return released;
        }
    }
}
