using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Loses the answer to a lease, fails a release or commits, and gives partitions to another member.</summary>
internal sealed class LosingStore(IStreamStore inner) : StreamStoreWrapper(inner)
{
    private volatile int failsLeaseOf = -1;
    private int releases, commits;

    public int FailsLeaseOf
    {
        get => failsLeaseOf;
        set => failsLeaseOf = value;
    }

    public volatile bool FailsRelease;

    public volatile bool IsTakenBeforeCommit;

    public int CommitsUntilTaken;

    public volatile bool LosesAnswerToCommit;

    public volatile bool FailsCommits;

    public int Commits => Volatile.Read(ref commits);

    public int Releases => Volatile.Read(ref releases);

    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        LeaseResult result = await base.LeaseAsync(request, cancellation);
        if (!result.Batches.Any(batch => batch.Owner.Partition == failsLeaseOf)) return result;
        failsLeaseOf = -1;
        throw new StreamStoreException("The answer was lost.");
    }

    public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
    {
        if (FailsRelease && failsLeaseOf < 0)
        {
            FailsRelease = false;
            throw new StreamStoreException("The connection is cut.");
        }
        bool released = await base.ReleaseAsync(owner, cancellation);
        Interlocked.Increment(ref releases);
        return released;
    }

    public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        Interlocked.Increment(ref commits);
        if (FailsCommits) throw new StreamStoreException("The connection is cut.");
        if (IsTakenBeforeCommit && Interlocked.Decrement(ref CommitsUntilTaken) < 0)
        {
            IsTakenBeforeCommit = false;
            AcquireResult taken = await Inner.AcquireAsync(commit.Owner.Group, commit.Owner.Partition,
                new("other") { ExpectedEpoch = commit.Owner.Epoch }, cancellation);
            await Inner.ReleaseAsync(taken.Ownership, cancellation);
        }
        CommitResult result = await base.CommitAsync(commit, cancellation);
        if (!LosesAnswerToCommit) return result;
        LosesAnswerToCommit = false;
        throw new StreamStoreException("The answer was lost.");
    }
}
