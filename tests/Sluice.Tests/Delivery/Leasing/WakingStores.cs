using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Advances the clock before the caller gets the answer that an item is due later.</summary>
internal sealed class SlowLeases(IStreamStore inner, TestClock clock) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private bool hasPassed;

    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        LeaseResult lease = await Inner.LeaseAsync(request, cancellation);
        if (lease.NextDue is not null && !hasPassed)
        {
            hasPassed = true;
            clock.Advance(TimeSpan.FromMinutes(1));
        }
        return lease;
    }
}

/// <summary>Counts leases.</summary>
internal sealed class CountedLeases(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private int count;

    public int Count => Volatile.Read(ref count);

    public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        Interlocked.Increment(ref count);
        return Inner.LeaseAsync(request, cancellation);
    }
}

/// <summary>Holds back the first lease that has items until it is released.</summary>
internal sealed class HeldLeases(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private readonly TaskCompletionSource hasBatch = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int looks;

    public Task HasBatch => hasBatch.Task;

    /// <summary>How often the group was read.</summary>
    public int Looks => Volatile.Read(ref looks);

    public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
    {
        Interlocked.Increment(ref looks);
        return Inner.FindGroupAsync(group, cancellation);
    }

    public void Release() => released.SetResult();

    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        LeaseResult lease = await Inner.LeaseAsync(request, cancellation);
        if (lease.Batches.Count == 0) return lease;
        hasBatch.TrySetResult();
        await released.Task;
        return lease;
    }
}

/// <summary>Another member takes the quarantine at the last moment and then falls silent.</summary>
internal sealed class QuarantineOfAnother(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private bool isTaken;

    public override async ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default)
    {
        if (!isTaken) await Inner.AcquireQuarantineAsync(group, "another", expectedEpoch, cancellation);
        isTaken = true;
        return await Inner.AcquireQuarantineAsync(group, member, expectedEpoch, cancellation);
    }
}

/// <summary>Leases fail until the store is mended, and another member acquires the partitions that are given back because of
/// that.</summary>
internal sealed class LeasesFailAndOthersTake(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private volatile bool isMended;

    public ConcurrentQueue<Ownership> Taken { get; } = new();

    public void Mend() => isMended = true;

    public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        => isMended ? Inner.LeaseAsync(request, cancellation) : throw new StreamStoreException("The connection is dead.");

    public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
    {
        bool isReleased = await Inner.ReleaseAsync(owner, cancellation);
        if (isMended) return isReleased;
        await Inner.BeatAsync(owner.Group, "other", cancellation);
        Taken.Enqueue((await Inner.AcquireAsync(owner.Group, owner.Partition, new("other"), cancellation)).Ownership);
        return isReleased;
    }
}

/// <summary>Commits are never answered.</summary>
internal sealed class SilentCommits(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
{
    private readonly TaskCompletionSource called = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Called => called.Task;

    public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        called.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        throw new InvalidOperationException("Never.");
    }
}

/// <summary>A sink whose beginning takes as long as the test wants.</summary>
internal sealed class WaitingSink(Func<Task> begins) : TransactionalSink<int>
{
    protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => new(begins());

    protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation) => default;
}
