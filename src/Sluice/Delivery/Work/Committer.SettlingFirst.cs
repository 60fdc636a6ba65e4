namespace Sluice;

/// <summary>The part for <see cref="DeliveryLevel.None"/>: entries are settled before they are started.</summary>
internal sealed partial class Committer
{
    /// <summary>Settles entries before they are started. Awaited by the pump, one call at a time.</summary>
    /// <returns>Whether that was done. If not, they are somebody else's, and not under way here any more.</returns>
    public async ValueTask<bool> SettleAsync(OwnedPartition partition, LeasedBatch leased)
    {
        var request = new Request(partition, leased);
        using CancellationTokenRegistration _ = patience.Token.UnsafeRegister(static done => ((TaskCompletionSource<bool>)done!).TrySetCanceled(), request.Done);
        Volatile.Write(ref settleFirst, request);
        Interlocked.MemoryBarrier();
        core.ToCommit.Set();
        return await request.Done.Task;
    }

    private async Task SettleAsync(Request request)
    {
        OwnedPartition partition = request.Partition;
        PartitionBooks books = partition.Books with { Completed = partition.Books.Completed + request.Leased.Entries.Length };
        var settled = new SequenceRange[request.Leased.Entries.Length];
        for (int i = 0; i < settled.Length; i++) settled[i] = new(request.Leased.Entries.Span[i].Sequence, request.Leased.Entries.Span[i].Sequence);
        var batches = new BatchTally();
        foreach (Entry entry in request.Leased.Entries.Span)
            if (!entry.Headers.IsEmpty) batches.End(EntryHeaders.Read(entry.Headers.Span).Batch, hasFailed: false);
        var commit = new StoreCommit(partition.Owner, partition.NextCommit) { Settled = settled, State = [books.ToRow()], Batches = batches.Changes, MustLast = true };
        CommitResult result = await CommitSender.SendAsync(core, partition, commit, patience.Token).ConfigureAwait(false);
        bool isCommitted = result.Status == CommitStatus.Committed;
        if (isCommitted)
        {
            partition.NextCommit++;
            partition.Books = books;
            core.Books.Settle(partition, new() { Roots = settled.Length, Completed = settled.Length }, [], CommitDraft.Nothing);
        }
        else
        {
            core.Lose(partition);
            core.Books.Discard(settled.Length);
            partition.End(core, settled.Length);
        }
        request.Done.TrySetResult(isCommitted);
    }

    private sealed record Request(OwnedPartition Partition, LeasedBatch Leased)
    {
        public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
