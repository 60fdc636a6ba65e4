using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <content>
/// Settles entries before they start, for <see cref="DeliveryLevel.None"/>. The pump requests it, and the loop of the committer does
/// it.
/// </content>
internal sealed partial class Committer
{
    private const int MaxSettledFirst = 240;        // ranges and batches of one commit

    /// <summary>Settles the entries of roots before they are started. Awaited by the pump, one call at a time.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="roots">The roots.</param>
    /// <param name="stopping">Cancelled when the run stops: then the pump starts none of them, and does not wait for the answer.</param>
    /// <returns>The number of roots, from the first, whose entries are settled, and that must start now. If it is not all of them, the
    /// partition is lost, and the others are not in flight here any more.</returns>
    public async ValueTask<int> SettleAsync(OwnedPartition partition, List<Root> roots, CancellationToken stopping)
    {
        var request = new Request(partition, roots);
        using CancellationTokenRegistration ended = abandoned.Token.UnsafeRegister(static done =>
            ((TaskCompletionSource<int>)done!).TrySetCanceled(), request.Done);
        Volatile.Write(ref settleFirst, request);
        Interlocked.MemoryBarrier();
        core.ToCommit.Set();
        core.CommitWait.BeginCall();
        try
        {
            return await request.Done.Task.WaitAsync(stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            request.IsLeft = true;
            Interlocked.CompareExchange(ref settleFirst, null, request);
            _ = request.Done.Task.Observed();
            throw;
        }
        finally
        {
            core.CommitWait.EndCall();
        }
    }

    private async Task SettleAsync(Request request)
    {
        OwnedPartition partition = request.Partition;
        List<Root> roots = request.Roots;
        bool isCommitted = true;
        int settled = 0;
        while (isCommitted && settled < roots.Count && !request.IsLeft)
        {
            int count = await TrySettleAsync(partition, roots[settled..(settled + CountOfCommit(roots, settled))]).ConfigureAwait(false);
            isCommitted = count > 0;
            if (isCommitted) settled += count;
            else Lose(partition, roots.Count - settled);
        }
        request.Done.TrySetResult(settled);
        if (request.IsLeft && settled > 0)
            core.Lifetime.Warn($"The consecutor {core.Name} has stopped while it settled items before their start "
                + $"(DeliveryLevel.None): {settled:N0} {(settled == 1 ? "is" : "are")} settled, and will not start.");
    }

    /// <returns>How many of the roots, from the first, are settled; zero if the partition is lost.</returns>
    private async Task<int> TrySettleAsync(OwnedPartition partition, List<Root> roots)
    {
        StoreCommit commit = SettleFirst(partition, roots, out PartitionCounts counts);
        while (!commit.Fits && roots.Count > 1)      // batches with listeners weigh more than ranges
        {
            roots = roots[..(roots.Count / 2)];
            commit = SettleFirst(partition, roots, out counts);
        }
        CommitResult result = await sender.SendAsync(partition, commit, abandoned.Token).ConfigureAwait(false);
        if (result.Status != CommitStatus.Committed) return 0;
        partition.NextCommit++;
        partition.Counts = counts;
        core.Ledger.Settle(partition, new() { Roots = roots.Count, Completed = roots.Count }, [], CommitDraft.Nothing);
        return roots.Count;
    }

    private static StoreCommit SettleFirst(OwnedPartition partition, List<Root> roots, out PartitionCounts counts)
    {
        counts = partition.Counts with { Completed = partition.Counts.Completed + roots.Count };
        List<long> settled = new(roots.Count);
        var batches = new BatchTally();
        foreach (Root root in roots)
        {
            settled.Add(root.EntrySequence);
            batches.End(root.Headers.Batch, hasFailed: false);
        }
        return new(partition.Owner, partition.NextCommit)
        {
            Settled = CommitDraft.Ranges(settled),
            State = [counts.ToRow()],
            Batches = batches.Changes,
            MustLast = true
        };
    }

    private void Lose(OwnedPartition partition, int count)
    {
        core.Partitions.Lose(partition);
        core.Ledger.Discard(count);
        core.Partitions.End(partition, count);
    }

    // The number of entries for one commit: neighbours are one range, and each entry may have a batch of its own.
    private static int CountOfCommit(List<Root> roots, int first)
    {
        for (int i = first + 1, ranges = 1, tagged = 0; i < roots.Count; i++)
        {
            if (roots[i].EntrySequence != roots[i - 1].EntrySequence + 1) ranges++;
            if (roots[i].Headers.Batch is not null) tagged++;
            if (ranges + tagged > MaxSettledFirst) return i - first;
        }
        return roots.Count - first;
    }

    private sealed record Request(OwnedPartition Partition, List<Root> Roots)
    {
        /// <summary>Whether the pump has left: it starts none of the entries.</summary>
        public volatile bool IsLeft;

        public TaskCompletionSource<int> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
