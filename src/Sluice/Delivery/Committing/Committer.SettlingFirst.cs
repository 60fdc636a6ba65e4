using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <content>
/// Settles entries before they start, for <see cref="DeliveryLevel.None"/>. The pump requests it, and the loop of the committer does
/// it.
/// </content>
internal sealed partial class Committer
{
    private const int MaxSettledFirst = 240;        // ranges and batches of one commit

    /// <summary>Settles entries before they are started. Awaited by the pump, one call at a time.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="leased">The entries.</param>
    /// <param name="stopping">Cancelled when the run stops: then the pump starts none of them, and does not wait for the answer.</param>
    /// <returns>The number of entries, from the first, that are settled, and must start now. If it is not all of them, the partition is
    /// lost, and the others are not in flight here any more.</returns>
    public async ValueTask<int> SettleAsync(OwnedPartition partition, LeasedBatch leased, CancellationToken stopping)
    {
        var request = new Request(partition, leased);
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
        bool isCommitted = true;
        int settled = 0;
        for (ReadOnlyMemory<Entry> left = request.Leased.Entries; isCommitted && left.Length > 0 && !request.IsLeft;)
        {
            int count = CountOfCommit(left.Span);
            isCommitted = await SettleAsync(partition, left[..count]).ConfigureAwait(false);
            if (isCommitted) (settled, left) = (settled + count, left[count..]);
            else Lose(partition, left.Length);
        }
        request.Done.TrySetResult(settled);
        if (request.IsLeft && settled > 0)
            core.Lifetime.Warn($"The consecutor {core.Name} has stopped while it settled items before their start "
                + $"(DeliveryLevel.None): {settled:N0} {(settled == 1 ? "is" : "are")} settled, and will not start.");
    }

    private async Task<bool> SettleAsync(OwnedPartition partition, ReadOnlyMemory<Entry> entries)
    {
        PartitionCounts counts = partition.Counts with { Completed = partition.Counts.Completed + entries.Length };
        List<long> settled = new(entries.Length);
        var batches = new BatchTally();
        foreach (Entry entry in entries.Span)
        {
            settled.Add(entry.Sequence);
            batches.End(core.Listeners.HeadersOf(entry).Batch, hasFailed: false);
        }
        var commit = new StoreCommit(partition.Owner, partition.NextCommit)
        {
            Settled = CommitDraft.Ranges(settled),
            State = [counts.ToRow()],
            Batches = batches.Changes,
            MustLast = true
        };
        CommitResult result = await sender.SendAsync(partition, commit, abandoned.Token).ConfigureAwait(false);
        if (result.Status != CommitStatus.Committed) return false;
        partition.NextCommit++;
        partition.Counts = counts;
        core.Ledger.Settle(partition, new() { Roots = entries.Length, Completed = entries.Length }, [], CommitDraft.Nothing);
        return true;
    }

    private void Lose(OwnedPartition partition, int count)
    {
        core.Partitions.Lose(partition);
        core.Ledger.Discard(count);
        core.Partitions.End(partition, count);
    }

    // The number of entries for one commit: neighbours are one range, and each entry with headers may have a batch of its own.
    private static int CountOfCommit(ReadOnlySpan<Entry> entries)
    {
        for (int i = 1, ranges = 1, tagged = 0; i < entries.Length; i++)
        {
            if (entries[i].Sequence != entries[i - 1].Sequence + 1) ranges++;
            if (!entries[i].Headers.IsEmpty) tagged++;
            if (ranges + tagged > MaxSettledFirst) return i;
        }
        return entries.Length;
    }

    private sealed record Request(OwnedPartition Partition, LeasedBatch Leased)
    {
        /// <summary>Whether the pump has left: it starts none of the entries.</summary>
        public volatile bool IsLeft;

        public TaskCompletionSource<int> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
