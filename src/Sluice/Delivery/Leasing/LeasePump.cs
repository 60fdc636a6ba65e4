namespace Sluice.Delivery;

/// <summary>The source of a pipeline without state and without an order by key: pushes items up to the limit of items in flight.</summary>
internal sealed class LeasePump<T> : ConsecutorPump<T>
{
    private const int SegmentsBetweenLeases = 64;

    private readonly List<(Root Root, int At)> starting = [];         // with the places of their entries in the lease
    private readonly List<(Root Root, T Item)> batch = [];
    private readonly bool isFree;                    // items are settled before they start
    private readonly LocalWork<T>? local;
    private readonly Func<int> countStored;          // the failed items without a store that are about to be in it
    private long started;

    public LeasePump(StageContext context, Inlet<T> next, ConsecutorCore core) : base(context, next, core)
    {
        isFree = core.Options.Delivery.Level == DeliveryLevel.None;
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
            Begin(leased.Entries.Span, partition);
            if (isFree && starting.Count > 0) await SettleAsync(partition);
            Read(leased.Entries.Span, partition.Number);
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

    /// <summary>Makes the roots. Those of entries that do not start here end at once, and their commits say so.</summary>
    private void Begin(ReadOnlySpan<Entry> entries, OwnedPartition partition)
    {
        starting.Clear();
        for (int i = 0; i < entries.Length; i++)
        {
            ref readonly Entry entry = ref entries[i];
            Root root = Core.Roots.Rent();
            EntryHeaders headers = Core.Listeners.HeadersOf(entry);
            PartFailure? earlier = null;
            if (local is not null && headers.IsEmpty)
            {
                (string? id, earlier) = ((HandleSerializer<T>)Serializer).Past(entry.Payload.Span);
                headers = new(id, null);
            }
            root.Begin(partition, entry, headers, started++);
            if (root.TrySpill()) continue;
            if (earlier is not null) root.Adopt(earlier);
            else if (!Fetcher.IsSpent(root, entry.CodeVersion)) starting.Add((root, i));
        }
    }

    /// <summary>Settles what is about to start (<see cref="DeliveryLevel.None"/>). If the partition was lost in the middle, some of it is
    /// settled and starts here: no other member gets it.</summary>
    private async ValueTask SettleAsync(OwnedPartition partition)
    {
        int count = await Core.Committer.SettleAsync(partition, starting.ConvertAll(static one => one.Root), Context.Token);
        for (int i = 0; i < starting.Count; i++)
            if (i < count) starting[i].Root.IsFree = true;
            else starting[i].Root.Recycle();
        starting.RemoveRange(count, starting.Count - count);
    }

    private void Read(ReadOnlySpan<Entry> entries, int partition)
    {
        foreach (var (root, at) in starting)
        {
            ref readonly Entry entry = ref entries[at];
            if (root.Headers.EndOf is not null)
            {
                BatchCompleted.Tell(Core.Identity, root, entry.Payload, Context.Token);
                continue;
            }
            if (root.Headers.Node is { } node)
            {
                Core.EntranceTurns.Enter(root, node, entry.Payload);
                continue;
            }
            try
            {
                root.Headers.ThrowIfNoItem();
                batch.Add((root, Serializer.Read(entry, Core.Name, partition)));
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
