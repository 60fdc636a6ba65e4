namespace Sluice.Delivery;

/// <summary>The source of a pipeline without state and without an order by key: pushes items up to the limit of items in flight.</summary>
internal sealed class LeasePump<T> : ConsecutorPump<T>
{
    private const int SegmentsBetweenLeases = 64;

    private readonly List<(Root Root, T Item)> batch = [];
    private readonly LocalWork<T>? local;
    private readonly Func<int> countStored;          // the failed items without a store that are about to be in it
    private long started;

    public LeasePump(StageContext context, Inlet<T> next, ConsecutorCore core) : base(context, next, core)
    {
        if (core.Local is LocalIntake<T> intake) local = new(core, intake, context, next);
        countStored = local is null ? static () => 0 : () => local.Failing;
    }

    protected override bool HasNews() => local is not null && !local.PrepareSleep();

    protected override async ValueTask<PumpWait> WorkAsync()
    {
        Core.EntranceTurns.Look(countStored);
        bool mayBegin = !Core.EntranceTurns.IsTaken;
        for (int i = 0; local is not null && i < SegmentsBetweenLeases && await local.WorkAsync(mayBegin); i++) { }
        LeaseResult? lease = local is not null && Core.Ledger.IsStoreEmpty ? null : await Fetcher.NextAsync();
        if (lease is null || lease.Batches.Count == 0) return PumpWait.Until(lease?.NextDue ?? Fetcher.TryAgainAfter);
        await StartAsync(lease);
        return PumpWait.None;
    }

    private async ValueTask StartAsync(LeaseResult lease)
    {
        foreach (LeasedBatch leased in lease.Batches)
        {
            if (Fetcher.Begin(leased) is not { } partition) continue;
            // If the partition was lost in the middle, some entries are settled. They start here: no other member gets them.
            int count = Core.Options.Delivery.Level != DeliveryLevel.None ? leased.Entries.Length
                : await Core.Committer.SettleAsync(partition, leased, Context.Token);
            if (count == 0) continue;
            Read(leased.Entries[..count], partition);
            for (int at = 0; at < batch.Count;)
            {
                ValueTask pushed = PushSome(ref at);
                if (pushed.IsCompletedSuccessfully) continue;
                Flush();
                await PushedAsync(pushed);
            }
            batch.Clear();
        }
    }

    private void Read(ReadOnlyMemory<Entry> entries, OwnedPartition partition)
    {
        bool isFree = Core.Options.Delivery.Level == DeliveryLevel.None;
        foreach (Entry entry in entries.Span)
        {
            Root root = Core.Roots.Rent();
            EntryHeaders headers = Core.Listeners.HeadersOf(entry);
            PartFailure? earlier = null;
            if (local is not null && headers.IsEmpty)
            {
                (string? id, earlier) = ((HandleSerializer<T>)Serializer).Past(entry.Payload.Span);
                headers = new(id, null);
            }
            root.Begin(partition, entry, headers, started++);
            root.IsFree = isFree;
            if (root.TrySpill()) continue;
            if (earlier is not null)
            {
                root.Adopt(earlier);
                continue;
            }
            if (Fetcher.IsSpent(root, entry.CodeVersion)) continue;
            if (headers.EndOf is not null)
            {
                BatchCompleted.Tell(Core.Identity, root, entry.Payload, Context.Token);
                continue;
            }
            if (headers.Node is { } node)
            {
                Core.EntranceTurns.Enter(root, node, entry.Payload);
                continue;
            }
            try
            {
                headers.ThrowIfNoItem();
                batch.Add((root, Serializer.Read(entry, Core.Name, partition.Number)));
            }
            catch (PayloadException e)
            {
                Context.Failed++;
                root.Fail(new PipelineException(Run.NameOf(Node), null, e, Node), isFinal: true);
            }
        }
    }

    /// <summary>Pushes until the end, or until a push has to wait. An item that fails has told its root: the others go on.</summary>
    private ValueTask PushSome(ref int at)
    {
        while (at < batch.Count)
        {
            try
            {
                while (at < batch.Count)
                {
                    Run.ThrowIfStopping();
                    var (root, item) = batch[at++];
                    Context.Out++;
                    root.BeginWork();
                    ValueTask pushed = Next.PushAsync(item, root);
                    if (!pushed.IsCompletedSuccessfully) return pushed;
                }
            }
            catch (PipelineException e) when (e.IsKept)
            {
                // on with the next
            }
        }
        return default;
    }

    private static async ValueTask PushedAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        catch (PipelineException e) when (e.IsKept)
        {
            // on with the next
        }
    }
}
