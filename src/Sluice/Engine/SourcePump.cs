using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>Drives the island of a source.</summary>
/// <remarks>Any thread may call <see cref="Stop"/>: a drain, a stage that wants no more items, a failure.</remarks>
internal abstract partial class SourcePump<T> : Pump, IUpstream
{
    private const int ItemsPerTurn = 4096;

    private readonly Boundary<T>? outlet;            // Next, if it is a boundary: saves a virtual call
    private volatile bool stopped;
    private CancellationTokenSource? wake;
    private Waiter? outside;
    private ITimer? timer;
    private volatile bool timeIsUp;
    private Task? leaving;
    private long endOfTurn = ItemsPerTurn;
    private Waiter? turn;

    protected SourcePump(StageContext context, Inlet<T> next) : base(context.Run, context.Node)
    {
        Context = context;
        Next = next;
        outlet = next as Boundary<T>;
        next.Attach(this);
    }

    /// <summary>The tickets of the source's items, if the run tracks them. Set while the run is built.</summary>
    public TicketRing? Tickets { get; set; }

    /// <summary>
    /// Whether an item was left out in part, so that no position behind it may be stored. What a branch leaves out does not count while
    /// others take items: then the source is not stopped.
    /// </summary>
    protected bool HasCut => Tickets is { } ring && (ring.HasFailed || (stopped && ring.HasLeftOut));

    /// <summary>Called on any thread for each item that has ended; null if not needed.</summary>
    public virtual Action? ItemEnded => null;

    protected StageContext Context { get; }

    protected Inlet<T> Next { get; }

    /// <summary>Whether no more items are wanted.</summary>
    protected bool IsStopped => stopped;

    /// <summary>The token that sources wait with: cancelled when no more items are wanted. Made on first use.</summary>
    protected CancellationToken StopToken
    {
        get
        {
            CancellationTokenSource source = LazyInitializer.EnsureInitialized(ref wake, static () => new CancellationTokenSource());
            if (stopped) Run.CancelQuietly(source);
            return source.Token;
        }
    }

    public void Stop()
    {
        stopped = true;
        Run.CancelQuietly(Volatile.Read(ref wake));
        WakeUp();
        LeaveLater();
    }

    // A short run is over before it is awaited, and then needs no state machine.
    protected sealed override ValueTask PumpAsync()
    {
        ValueTask produced = ProduceAsync();
        if (!produced.IsCompletedSuccessfully || leaving is not null || IsLeft) return RestAsync(produced);
        timer?.Dispose();
        Run.ThrowIfStopping();
        return Next.CompleteAsync();
    }

    private async ValueTask RestAsync(ValueTask produced)
    {
        try
        {
            await produced;
        }
        catch (Exception e) when (IsLeft)
        {
            back!.TrySetException(e);
        }
        catch (PipelineException e) when (IsStopped && e.Index == Node && Run.FailAtEnd(e, Node))
        {
            // What it has produced goes through.
        }
        catch (Exception e)
        {
            Run.Fail(e, Node);                       // before what the work that was left behind may throw
            await LeaveAsync();
            throw;
        }
        if (IsLeft) back!.TrySetResult();
        else await CompleteAsync();
    }

    private async ValueTask CompleteAsync()
    {
        try
        {
            Run.ThrowIfStopping();
            await EmitHeldAsync();
            await Next.CompleteAsync();
        }
        finally
        {
            await LeaveAsync();
        }
    }

    private async ValueTask LeaveAsync()
    {
        timer?.Dispose();
        if (leaving is null) return;
        IsLeaving = true;
        await Run.LeaveAsync(leaving, Node);
    }

    /// <summary>
    /// Leaves work of the source behind that continues although no more items are wanted; the stages behind it complete without it.
    /// </summary>
    /// <remarks>
    /// The run waits for the work up to its stop timeout, or to the deadline of a drain, and names the source after that. If the work
    /// fails, the source has failed. It does not wait if the code is not awaited (<see cref="IsAwaited"/>).
    /// </remarks>
    protected void LeaveBehind(Task work)
    {
        if (IsAwaited) leaving = work;
        else Run.Abandon(work, Node);
    }

    /// <summary>Produces until the end, or until <see cref="IsStopped"/>.</summary>
    protected abstract ValueTask ProduceAsync();

    /// <summary>Emits one item.</summary>
    protected ValueTask EmitAsync(T item)
    {
        Ticket? ticket = Tickets?.Next();
        if (++Context.Out == endOfTurn) return EndTurnAsync(item, ticket);
        return outlet is null ? Next.PushAsync(item, ticket) : outlet.PushAsync(item, ticket);
    }

    /// <summary>Skips an item that an earlier run began with and that is gone now. The next item does not inherit its counts.</summary>
    protected void PassOver() => Tickets?.Next().Settle(Outcome.Skipped);

    /// <summary>Emits an item that no other item waits behind: this thread may continue behind the next boundary.</summary>
    protected ValueTask EmitLastAsync(T item)
    {
        Turn.BeginLast();
        ValueTask pushed = EmitAsync(item);
        Turn.EndLast();
        return pushed;
    }

    /// <summary>Emits an item and yields: a source that never waits would keep its thread from other work, even from timers.</summary>
    private ValueTask EndTurnAsync(T item, Ticket? ticket)
    {
        endOfTurn += ItemsPerTurn;
        ValueTask pushed = Next.PushAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return pushed;      // the wait yields already
        return (turn ??= new Waiter(Run.Scheduler)).YieldAsync();
    }

    /// <summary>Waits for an outside task, which may ignore its token, until it has completed or no more items are wanted.</summary>
    /// <returns>Whether the task has completed, in any state. If not, it continues: pass it to <see cref="LeaveBehind"/>.</returns>
    protected async ValueTask<bool> ArrivesAsync(Task something)
    {
        if (something.IsCompleted) return true;
        Flush();
        Waiter waiter = Outside;
        // Not Task.WaitAsync: it resumes by way of the thread pool, where a serial scheduler loses sight of it.
        something.GetAwaiter().UnsafeOnCompleted(waiter.Wake);
        IsWaiting = true;
        while (!something.IsCompleted && !IsStopped)             // a late wake-up may belong to the wait before
        {
            waiter.Arm();
            if ((something.IsCompleted || IsStopped) && waiter.Disarm()) break;
            await waiter.WaitAsync();
        }
        IsWaiting = false;
        return something.IsCompleted;
    }

    /// <summary>The waiter of the pump; <see cref="WakeUp"/> wakes it. For pumps that wait by themselves.</summary>
    protected Waiter Outside => outside ??= new Waiter(Run.Scheduler);

    /// <summary>Wakes the pump, so that it checks its condition again. Any thread.</summary>
    protected void WakeUp()
    {
        Interlocked.MemoryBarrier();
        Volatile.Read(ref outside)?.Wake();
    }

    /// <summary>Waits until the time has passed or no more items are wanted. May return early: check the clock again.</summary>
    /// <param name="time">More than zero.</param>
    protected async ValueTask SleepAsync(TimeSpan time)
    {
        Flush();
        Waiter waiter = Outside;
        timeIsUp = false;
        timer ??= Run.Time.CreateTimer(static pump => ((SourcePump<T>)pump!).OnTimer(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        // System timers cut to whole milliseconds: a rest of less would be waited for without a pause.
        timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
        waiter.Arm();
        if ((timeIsUp || IsStopped) && waiter.Disarm()) return;
        IsWaiting = true;
        await waiter.WaitAsync();
        IsWaiting = false;
    }

    /// <summary>Waits for work of the run itself, even when no more items are wanted; <see cref="WakeUp"/> makes it check again.</summary>
    protected async ValueTask UntilAsync(Func<bool> isDone)
    {
        if (isDone()) return;
        Flush();
        IsWaiting = true;
        while (true)
        {
            Run.ThrowIfStopping();
            Outside.Arm();
            if ((isDone() || Run.IsStopping) && Outside.Disarm()) break;
            await Outside.WaitAsync();
            if (isDone()) break;
        }
        Run.ThrowIfStopping();
        IsWaiting = false;
    }

    /// <summary>Passes batched items on, before a wait: they must not wait as well.</summary>
    protected void Flush() => Next.Flush();

    /// <summary>Flushes if a push has to wait: the items that came before must not wait with it.</summary>
    protected ValueTask Flushed(ValueTask pushed)
    {
        if (!pushed.IsCompletedSuccessfully) Flush();
        return pushed;
    }

    private void OnTimer()
    {
        timeIsUp = true;
        WakeUp();
    }

    /// <summary>Wraps an exception of the source's user code, with the source's name.</summary>
    protected Exception Failure(Exception cause) => Context.Failure(cause);
}
