namespace Sluice.Pipelines;

/// <summary>Gathers items into windows of event time.</summary>
/// <remarks>In a consecutor, a jump of the watermark closes many windows, whose items are part of one commit. So a limited number comes out
/// at a time, and the rest with the following ticks. The watermark alone decides which items are late, not the windows that have come
/// out.</remarks>
internal sealed class EventWindowStage<T> : TimedStage<T, Window<T>>, IStateful, IEndsInSteps
{
    private readonly EventTime<T> time;
    private readonly WindowAssigner assigner;
    private readonly Watermark watermark;
    private readonly EventWindows<T> windows;
    private readonly StateScope? scope;              // in a consecutor
    private long tickAt = long.MaxValue;
    private bool isTickForIdle;

    public EventWindowStage(StageContext context, Inlet<Window<T>> next, EventTime<T> time, WindowAssigner assigner, int maxItems)
        : base(context, next)
    {
        (this.time, this.assigner, scope) = (time, assigner, context.Scope);
        watermark = new(time.MaxOutOfOrderness.Ticks, time.IdleTimeout?.Ticks);
        windows = new(watermark, time.AllowedLateness.Ticks, maxItems, scope is null ? null : () => scope.MaxEmissions);
    }

    public bool HasMoreToEnd { get; private set; }

    // A run uses the monotonic clock; over restarts, only the time of day exists, which does not go back in a partition.
    private long Clock => scope is not null ? UtcNow.UtcTicks : OpenTime.Ticks;

    // Items that wait in front of the stage are no idle input: only time counts in which none can have waited.
    private long IdleClock => scope is not null ? Math.Min(Clock, scope.EmptyAt.UtcTicks) : Clock;

    public void Restore(StateReader stored)
    {
        windows.Restore(stored, Clock);
        SetTick();
    }

    public void Save(StateWriter changes) => windows.Save(changes);

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
    {
        long at;
        try
        {
            at = time.Timestamp(item).UtcTicks;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        bool isTaken = assigner.Add(windows, item, at);
        watermark.Observe(at, Clock);
        windows.Close();
        SetTick();
        if (!isTaken) return LateAsync(item, ticket);
        ticket?.Settle(Outcome.Completed);           // gathered now: a window is a root item of its own
        return EmitReady();
    }

    protected override ValueTask OnTickAsync()
    {
        tickAt = long.MaxValue;
        watermark.Pass(IdleClock);
        windows.Close();
        SetTick();
        return EmitReady();
    }

    protected override ValueTask OnEndAsync()
    {
        HasMoreToEnd = windows.End();
        return EmitReady();
    }

    /// <summary>Items do not move the timer: if it fires too early, it is set again.</summary>
    private void SetTick()
    {
        long now = Clock;
        long due = windows.HasMore ? now : windows.NextEnd is { } end && watermark.DueAt(end) is { } at ? at : long.MaxValue;
        bool isForIdle = !windows.HasMore;
        if (due >= tickAt && (isForIdle || !isTickForIdle)) return;
        (tickAt, isTickForIdle) = (due, isForIdle);
        SetTimer(new(Math.Max(0, due - now)), isForIdle);
    }

    private ValueTask LateAsync(T item, Ticket? ticket)
    {
        if (time.LateOutput is not { } output)
        {
            ValueTask emitted = EmitReady();
            _ = Skip(ticket);
            return emitted;
        }
        ValueTask pushed;
        try
        {
            pushed = OutputPush.PushAsync(Context, output, item, ticket);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EndLateAsync(pushed, item, ticket);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask EndLateAsync(ValueTask pushed, T item, Ticket? ticket)
    {
        TimeSpan began = OpenTime;
        await WaitForAsync(pushed, item, ticket);
        AddWait(began);
        ticket?.Settle(Outcome.Completed);
        await EmitReady();
    }

    private ValueTask EmitReady()
    {
        if (!windows.AreReady) return default;
        TimeSpan began = OpenTime;
        while (windows.TryTakeReady(out Window<T> window))
        {
            ValueTask emitted = EmitAsync(window, null);
            if (!emitted.IsCompletedSuccessfully) return EmitRestAsync(emitted, began);
        }
        AddWait(began);
        return default;
    }

    private async ValueTask EmitRestAsync(ValueTask emitted, TimeSpan began)
    {
        await emitted;
        while (windows.TryTakeReady(out Window<T> window)) await EmitAsync(window, null);
        AddWait(began);
    }
}
