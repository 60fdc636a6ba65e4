using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Torture;

/// <summary>How a store is broken on purpose, to see that the oracle notices.</summary>
internal enum Breakage
{
    None,

    /// <summary>What is leased is settled at once: a kill loses it.</summary>
    SettleEarly,

    /// <summary>One commit in five is acknowledged, and never made.</summary>
    DropCommit,

    /// <summary>After some leases, the store says that it was disposed: its consecutor ends.</summary>
    GiveUp,
}

/// <summary>A store that does not keep its promise, and hides that by renumbering the commits.</summary>
internal sealed class BrokenStore(IStreamStore inner, Breakage breakage, Dice dice) : StreamStoreWrapper(inner)
{
    private const int LastLease = 5;
    private readonly SemaphoreSlim gate = new(1);
    private readonly Dictionary<int, Partition> partitions = [];
    private int leases;

    protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        if (breakage == Breakage.GiveUp && Volatile.Read(ref leases) > LastLease)
            throw new ObjectDisposedException(null, $"It gives up, as after a {nameof(StreamStoreException)}.");
        if (name == nameof(LeaseAsync)) Interlocked.Increment(ref leases);
        return call();
    }

    public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default)
    {
        AcquireResult taken = await Inner.AcquireAsync(group, partition, request, cancellation);
        lock (partitions)
        {
            if (taken.State is { } state) partitions[partition] = new() { Last = state.LastCommit };
        }
        return taken;
    }

    public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        if (breakage != Breakage.SettleEarly)
            return await CallAsync(nameof(LeaseAsync), () => Inner.LeaseAsync(request, cancellation));
        await gate.WaitAsync(cancellation);
        try
        {
            LeaseResult leased = await Inner.LeaseAsync(request, cancellation);
            foreach (LeasedBatch batch in leased.Batches)
            {
                long[] sequences = [.. batch.Entries.ToArray().Select(entry => entry.Sequence)];
                Partition partition = partitions[batch.Owner.Partition];
                var early = new StoreCommit(batch.Owner, partition.Last
                    + 1)
                { Settled = [.. sequences.Select(sequence => new SequenceRange(sequence, sequence))] };
                if ((await Inner.CommitAsync(early, cancellation)).Status != CommitStatus.Committed) continue;
                partition.Last++;
                partition.Settled.UnionWith(sequences);
            }
            return leased;
        }
        finally
        {
            gate.Release();
        }
    }

    public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        if (breakage == Breakage.GiveUp) return await CallAsync(nameof(CommitAsync), () => Inner.CommitAsync(commit, cancellation));
        await gate.WaitAsync(cancellation);
        try
        {
            Partition partition = partitions[commit.Owner.Partition];
            if (breakage == Breakage.DropCommit && commit.Settled.Count > 0 && dice.Chance(20)) return new(CommitStatus.Committed);
            bool IsOpen(long sequence) => !partition.Settled.Contains(sequence);
            CommitResult result = await Inner.CommitAsync(commit with
            {
                Sequence = partition.Last + 1,
                Settled = [.. commit.Settled.SelectMany(Single).Where(range => IsOpen(range.First))],
                Deferred = [.. commit.Deferred.Where(deferral => IsOpen(deferral.Sequence))],
                Dead = [.. commit.Dead.Where(letter => IsOpen(letter.Sequence))],
            }, cancellation);
            if (result.Status == CommitStatus.Committed) partition.Last++;
            return result;
        }
        finally
        {
            gate.Release();
        }
    }

    private static IEnumerable<SequenceRange> Single(SequenceRange range)
    {
        for (long sequence = range.First; sequence <= range.Last; sequence++) yield return new(sequence, sequence);
    }

    private sealed class Partition
    {
        public long Last { get; set; }

        public HashSet<long> Settled { get; } = [];
    }
}
