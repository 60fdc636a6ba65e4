namespace Sluice.Delivery;

/// <summary>The source of a consecutor's pipeline: leases entries and pushes their items, until the run stops.</summary>
/// <remarks>A pump of the run: nothing in here overlaps. It is woken by any thread.</remarks>
internal abstract class ConsecutorPump<T> : SourcePump<T>
{
    private StoreWatch watch = null!;

    protected ConsecutorPump(StageContext context, Inlet<T> next, ConsecutorCore core) : base(context, next)
    {
        Core = core;
        Serializer = core.Options.Serializers.For<T>();
        Fetcher = new(core, context.Token);
        core.Pump.Wake = WakeUp;
        context.Run.OnStop.Add(core.Ended.Close);
    }

    protected ConsecutorCore Core { get; }

    protected IPayloadSerializer<T> Serializer { get; }

    protected LeaseFetcher Fetcher { get; }

    /// <summary>Does what can be done now: begins items, or leases entries.</summary>
    /// <returns>Whether to wait until the pump is woken, or until it is due; the wait is skipped if it was woken meanwhile.</returns>
    protected abstract ValueTask<PumpWait> WorkAsync();

    /// <summary>Prepares for waiting.</summary>
    /// <returns>Whether there is something to do at once.</returns>
    protected virtual bool HasNews() => false;

    protected sealed override async ValueTask ProduceAsync()
    {
        watch = new(Core.Identity, Core.Store, Core.Partitions, Core.Losses, Core.Lifetime, WakeUp, StopToken);
        try
        {
            while (!IsStopped && !Core.Lifetime.Token.IsCancellationRequested)
            {
                int version = Core.Pump.Version;
                watch.Look();
                if (await WorkAsync() is not { IsNeeded: true } wait) continue;
                Core.CommitWait.Look();              // the pump may be waiting for room, or for the last item in flight
                await WaitAsync(version, wait.Due);
            }
        }
        finally
        {
            watch.End();
        }
    }

    private async ValueTask WaitAsync(int version, TimeSpan? due)
    {
        Flush();
        watch.Arm(due);
        Outside.Arm();
        bool hasNews = HasNews();
        if ((hasNews || Core.Pump.Version != version || IsStopped || watch.HasNews) && Outside.Disarm()) return;
        IsWaiting = true;
        await Outside.WaitAsync();
        IsWaiting = false;
    }
}

/// <summary>Whether a pump has nothing to do, and when there is something at the latest; null until it is woken.</summary>
internal readonly record struct PumpWait(bool IsNeeded, TimeSpan? Due)
{
    /// <summary>There may be more to do at once.</summary>
    public static PumpWait None => default;

    public static PumpWait Until(TimeSpan? due) => new(true, due);
}
