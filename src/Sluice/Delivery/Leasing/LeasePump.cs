using Sluice.Engine;
using Sluice.Storage;

namespace Sluice.Delivery;

/// <summary>The source of a consecutor's pipeline: leases entries and pushes their items, up to the limit of items in flight.</summary>
/// <remarks>A pump of the run: nothing in here overlaps. It is woken by any thread.</remarks>
internal sealed class LeasePump<T> : SourcePump<T>
{
    private const int SegmentsBetweenLeases = 64;

    private readonly ConsecutorCore core;
    private readonly IPayloadSerializer<T> serializer;
    private readonly LeaseFetcher fetcher;
    private StoreWatch watch = null!;
    private readonly List<(Root Root, T Item)> batch = [];
    private readonly LocalWork<T>? local;
    private long started;

    public LeasePump(StageContext context, Inlet<T> next, ConsecutorCore core) : base(context, next)
    {
        this.core = core;
        serializer = core.Options.Serializers.For<T>();
        fetcher = new(core);
        core.Pump.Wake = WakeUp;
        if (core.Local is LocalIntake<T> intake) local = new(core, intake, context, next);
    }

    protected override async ValueTask ProduceAsync()
    {
        watch = new(core.Identity, core.Store, core.Partitions, core.Losses, core.Lifetime, WakeUp, StopToken);
        try
        {
            while (!IsStopped && !core.Lifetime.Token.IsCancellationRequested)
            {
                int version = core.Pump.Version;
                watch.Look();
                for (int i = 0; local is not null && i < SegmentsBetweenLeases && await local.WorkAsync(); i++) { }
                LeaseResult? lease = local is not null && core.Ledger.IsStoreEmpty ? null : await fetcher.NextAsync();
                if (lease is null || lease.Batches.Count == 0) await WaitAsync(version, lease?.NextDue ?? fetcher.TryAgainAfter);
                else await StartAsync(lease);
            }
        }
        finally
        {
            watch.End();
        }
    }

    private async ValueTask StartAsync(LeaseResult lease)
    {
        foreach (LeasedBatch leased in lease.Batches)
        {
            if (fetcher.Begin(leased) is not { } partition) continue;
            if (core.Options.Delivery.Level == DeliveryLevel.None && !await core.Committer.SettleAsync(partition, leased)) continue;
            Read(leased, partition);
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

    private void Read(LeasedBatch leased, OwnedPartition partition)
    {
        bool isFree = core.Options.Delivery.Level == DeliveryLevel.None;
        foreach (Entry entry in leased.Entries.Span)
        {
            Root root = core.Roots.Rent();
            EntryHeaders headers = entry.Headers.IsEmpty ? default : EntryHeaders.Read(entry.Headers.Span);
            PartFailure? earlier = null;
            if (local is not null && headers.IsEmpty)
            {
                (string? id, earlier) = ((HandleSerializer<T>)serializer).Past(entry.Payload.Span);
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
            if (fetcher.IsSpent(root, entry.CodeVersion)) continue;
            if (headers.EndOf is not null)
            {
                BatchCompleted.Tell(core.Identity, root, entry.Payload, Context.Token);
                continue;
            }
            if (headers.Node is { } node)
            {
                core.Entrances.Enter(root, node, entry.Payload);
                continue;
            }
            try
            {
                headers.ThrowIfNoItem();
                batch.Add((root, serializer.Read(entry, core.Name, partition.Number)));
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

    private async ValueTask WaitAsync(int version, TimeSpan? due)
    {
        Flush();
        watch.Arm(due);
        Outside.Arm();
        bool hasNews = local is not null && !local.PrepareSleep();
        if ((hasNews || core.Pump.Version != version || IsStopped || watch.HasNews) && Outside.Disarm()) return;
        IsWaiting = true;
        await Outside.WaitAsync();
        IsWaiting = false;
    }
}
