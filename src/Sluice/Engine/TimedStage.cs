using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>An operator whose stages act when time has passed, and lose nothing by starting anew with a run.</summary>
internal abstract class TimedOperator<T> : Operator<T, T>
{
    public sealed override string? StartsAnew => null;

    public sealed override bool IsTimed => true;
}

/// <summary>
/// A stage that also acts when time has passed. Items and ticks pass through a gate, so nothing in it or behind it overlaps.
/// </summary>
/// <remarks>
/// Derived types override the three hooks and need no locks: every hook runs inside the gate. There is one timer; setting it again
/// moves it. A tick never comes early, and never for a time that the timer was moved away from. The clock is the run's; only elapsed
/// time counts, so a change of the time of day has no effect.
/// </remarks>
internal abstract class TimedStage<TIn, TOut> : Stage<TIn, TOut>, IThreadPoolWorkItem, IDue
{
    private static readonly TimeSpan NearlyDue = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan MaxTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly Gate gate;
    private readonly Waiter change;
    private readonly long start;
    private readonly StateScope? scope;              // in a consecutor, which ticks when the partition is idle
    private readonly KeyClock? keys;                 // if each key has an instance
    private readonly LaneWaits? waits;               // if it shares them with other lanes
    private ITimer? timer;
    private Ticket? hold;
    private TimeSpan? due;
    private TimeSpan openDue;                        // when it is due in open time, if the stage shares the waits of lanes
    private bool isForIdle;
    private bool ended;

    protected TimedStage(StageContext context, Inlet<TOut> next) : base(context, next)
    {
        scope = context.Scope;
        gate = context.Gate ?? new Gate(context.Run.Scheduler);
        change = new Waiter(context.Run.Scheduler);
        keys = context.KeyClock;
        waits = context.LaneWaits;
        start = keys?.Start ?? Time.GetTimestamp();
        if (scope is null && keys is null) context.Run.OnStop.Add(Abort);
    }

    protected TimeProvider Time => Context.Run.Time;

    /// <summary>The time since the stage was made, at the start of the run.</summary>
    protected TimeSpan Now => Time.GetElapsedTime(start);

    /// <summary>The time in which the stage could take items: without what <see cref="AddWait"/> notes, and without the waits of the router
    /// in front of its lanes. It has an origin of its own.</summary>
    protected TimeSpan OpenTime => (waits?.OpenTime ?? Now) - gate.Waited;

    /// <summary>The time of day. In a consecutor it never goes back.</summary>
    protected DateTimeOffset UtcNow => scope?.UtcNow ?? Time.GetUtcNow();

    /// <summary>Whether the timer is set.</summary>
    protected bool IsTimerSet => due is not null;

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
        catch (Exception e)
        {
            Fail(e);
            gate.Exit();
            throw;
        }
        if (!pushed.IsCompletedSuccessfully) return ExitLaterAsync(pushed);
        gate.Exit();
        return default;
    }

    /// <summary>Hook: an item has arrived.</summary>
    protected abstract ValueTask OnItemAsync(TIn item, Ticket? ticket);

    /// <summary>Hook: the timer has fired; it is no longer set.</summary>
    protected abstract ValueTask OnTickAsync();

    /// <summary>Hook: the input has ended; put out the items that are held.</summary>
    protected virtual ValueTask OnEndAsync() => default;

    /// <summary>Sets the timer; a negative time fires at once. Call it inside a hook, or before the first item.</summary>
    /// <param name="wait">The time.</param>
    /// <param name="isForIdle">In a consecutor: whether the timer fires only if the store had no items for the partition when the time had
    /// come.</param>
    protected void SetTimer(TimeSpan wait, bool isForIdle = false)
    {
        if (ended) return;
        if (wait < TimeSpan.Zero) wait = TimeSpan.Zero;
        due = Now + wait;
        if (waits is not null) openDue = OpenTime + wait;
        this.isForIdle = isForIdle;
        Arm(wait);
    }

    /// <summary>Clears the timer.</summary>
    protected void StopTimer()
    {
        due = null;
        scope?.SetDue(this, null, isForIdle: false);
        keys?.SetDue(this, null);
        timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Notes that the stage has taken no items since a moment because what follows it was busy. Call it inside a hook.</summary>
    /// <param name="since">The moment, as <see cref="OpenTime"/>: this is the open time again.</param>
    protected void AddWait(TimeSpan since) => gate.Waited += OpenTime - since;

    /// <summary>Leaves the gate until <see cref="SignalChange"/>. Only for the input's hooks, so that one party waits at most.</summary>
    protected async ValueTask WaitForChangeAsync()
    {
        change.Arm();
        gate.Exit();
        if (Context.Run.IsStopping) change.Wake();
        await change.WaitAsync();
        await gate.EnterAsync();
        Context.Run.ThrowIfStopping();
    }

    /// <summary>Wakes <see cref="WaitForChangeAsync"/>, so that it checks its condition again.</summary>
    protected void SignalChange() => change.Wake();

    protected sealed override async ValueTask OnCompleteAsync()
    {
        await gate.EnterAsync();
        try
        {
            Context.Run.ThrowIfStopping();
            await OnEndAsync();
            ended = true;
            timer?.Dispose();                        // a tick already scheduled finds the stage ended
            keys?.SetDue(this, null);
        }
        catch (Exception e)
        {
            Fail(e);
            throw;
        }
        finally
        {
            gate.Exit();
        }
        await Next.CompleteAsync();
    }

    void IThreadPoolWorkItem.Execute() => _ = TickAsync();

    void IDue.Act(Ticket? hold)
    {
        this.hold = hold;
        OnTimer();
    }

    private async ValueTask EnterLaterAsync(ValueTask entered, TIn item, Ticket? ticket)
    {
        await entered;
        try
        {
            Context.Run.ThrowIfStopping();
            Context.In++;
            await OnItemAsync(item, ticket);
        }
        catch (Exception e)
        {
            Fail(e);
            throw;
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
        catch (Exception e)
        {
            Fail(e);
            throw;
        }
        finally
        {
            gate.Exit();
        }
    }

    private void Arm(TimeSpan wait)
    {
        if (wait > MaxTimer) wait = MaxTimer;
        if (scope is not null)
        {
            scope.SetDue(this, wait, isForIdle);
            return;
        }
        if (keys is not null)
        {
            keys.SetDue(this, wait);
            return;
        }
        if (timer is { } known)
        {
            known.Change(wait, Timeout.InfiniteTimeSpan);
            return;
        }
        ITimer made = Time.CreateTimer(static stage => ((TimedStage<TIn, TOut>)stage!).OnTimer(), this, wait, Timeout.InfiniteTimeSpan);
        Interlocked.Exchange(ref timer, made);
        if (Context.Run.IsStopping) made.Dispose();  // either this sees the stop, or Abort sees the timer
    }

    private void OnTimer()
    {
        if (Context.Run.TryBegin()) Context.Run.Scheduler.Schedule(this);
    }

    private async Task TickAsync()
    {
        Context.Run.Enter();
        await gate.EnterAsync();
        try
        {
            if (IsDue())
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
        catch (Exception e)
        {
            Fail(e);
        }
        finally
        {
            gate.Exit();
        }
        Ticket? held = hold;
        hold = null;
        held?.Settle(Outcome.Skipped);
        Context.Run.PumpEnded();
    }

    /// <summary>
    /// Fails the run inside the gate, so that no item follows the failed one. The failure of a tracked item stays with that item.
    /// </summary>
    private void Fail(Exception cause)
    {
        if (cause is not PipelineException { IsKept: true }) Context.Run.Fail(cause, Node);
    }

    /// <summary>Whether the tick is due: the timer may have been moved, or the stage may have ended, before the gate let it in.</summary>
    private bool IsDue()
    {
        if (ended || Context.Run.IsStopping || due is not { } time) return false;
        TimeSpan left = time - Now;
        if (left <= TimeSpan.Zero)
        {
            // Only what is nearly due is held: all that is held acts again at the end of each wait.
            left = waits is null ? left : openDue - OpenTime;
            if (left <= NearlyDue)
            {
                if (waits?.TryHold(this) == true) return false;
                due = null;
                return true;
            }
            due = Now + left;
        }
        // System timers count whole milliseconds, and may be a little early by the finer clock.
        Arm(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)));
        return false;
    }

    void IDue.Abort() => Abort();

    private void Abort()
    {
        Volatile.Read(ref timer)?.Dispose();
        change.Wake();
    }
}
