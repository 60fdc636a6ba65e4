namespace Sluice;

/// <summary>A stage that also acts when time has passed. Items and ticks go through a gate, so that nothing in it, nor behind it, overlaps.</summary>
/// <remarks>
/// Derived types override the three hooks and need no locks: every hook runs inside the gate. One timer at a time; setting
/// it again moves it. The clock is the run's.
/// </remarks>
internal abstract class TimedStage<TIn, TOut> : Stage<TIn, TOut>, IThreadPoolWorkItem
{
    private readonly Gate gate;
    private readonly Waiter change;
    private ITimer? timer;
    private bool ended;

    protected TimedStage(StageContext context, Inlet<TOut> next) : base(context, next)
    {
        gate = new Gate(context.Run.Scheduler);
        change = new Waiter(context.Run.Scheduler);
        context.Run.OnStop.Add(Abort);
    }

    protected TimeProvider Time => Context.Run.Time;

    public sealed override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        ValueTask entered = gate.EnterAsync();
        if (!entered.IsCompletedSuccessfully) return EnterLaterAsync(entered, item, ticket);
        Context.In++;
        ValueTask pushed;
        try
        {
            pushed = OnItemAsync(item, ticket);
        }
        catch
        {
            gate.Exit();
            throw;
        }
        if (!pushed.IsCompletedSuccessfully) return ExitLaterAsync(pushed);
        gate.Exit();
        return default;
    }

    /// <summary>An item has come.</summary>
    protected abstract ValueTask OnItemAsync(TIn item, Ticket? ticket);

    /// <summary>The timer has gone off.</summary>
    protected abstract ValueTask OnTickAsync();

    /// <summary>The input has ended: put out what rests.</summary>
    protected virtual ValueTask OnEndAsync() => default;

    /// <summary>Sets the timer; a time that has passed means at once.</summary>
    protected void SetTimer(TimeSpan due)
    {
        if (ended) return;
        if (due < TimeSpan.Zero) due = TimeSpan.Zero;
        if (timer is null) timer = Time.CreateTimer(static stage => ((TimedStage<TIn, TOut>)stage!).OnTimer(), this, due, Timeout.InfiniteTimeSpan);
        else timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    protected void StopTimer() => timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>Inside a hook: lets others through the gate until <see cref="SignalChange"/>. Only for the input's hooks, so that one party waits.</summary>
    protected async ValueTask WaitForChangeAsync()
    {
        change.Arm();
        gate.Exit();
        if (Context.Run.IsStopping) change.Wake();
        await change.WaitAsync();
        await gate.EnterAsync();
        Context.Run.ThrowIfStopping();
    }

    /// <summary>Something has changed that <see cref="WaitForChangeAsync"/> may wait for.</summary>
    protected void SignalChange() => change.Wake();

    protected sealed override async ValueTask OnCompleteAsync()
    {
        await gate.EnterAsync();
        try
        {
            await OnEndAsync();
            ended = true;
            if (timer is not null) await timer.DisposeAsync();
        }
        finally
        {
            gate.Exit();
        }
        await Next.CompleteAsync();
    }

    void IThreadPoolWorkItem.Execute() => _ = TickAsync();

    private async ValueTask EnterLaterAsync(ValueTask entered, TIn item, Ticket? ticket)
    {
        await entered;
        Context.In++;
        try
        {
            Context.Run.ThrowIfStopping();
            await OnItemAsync(item, ticket);
        }
        finally
        {
            gate.Exit();
        }
    }

    private async ValueTask ExitLaterAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        finally
        {
            gate.Exit();
        }
    }

    private void OnTimer()
    {
        if (Context.Run.TryBegin()) Context.Run.Scheduler.Schedule(this);
    }

    private async Task TickAsync()
    {
        try
        {
            await gate.EnterAsync();
            try
            {
                if (!ended && !Context.Run.IsStopping)
                {
                    ValueTask ticked = OnTickAsync();
                    if (!ticked.IsCompletedSuccessfully)
                    {
                        Next.Flush();
                        await ticked;
                    }
                    Next.Flush();
                }
            }
            finally
            {
                gate.Exit();
            }
        }
        catch (Exception e)
        {
            Context.Run.Fail(e, Node);
        }
        Context.Run.PumpEnded();
    }

    private void Abort()
    {
        timer?.Dispose();
        change.Wake();
    }
}
