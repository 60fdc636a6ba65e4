namespace Sluice;

/// <summary>Drives an island from a source.</summary>
/// <remarks><see cref="Stop"/> may come from any thread: from a drain, from a stage that wants no more, from a failure.</remarks>
internal abstract partial class SourcePump<T> : Pump, IUpstream
{
    private const int ItemsPerTurn = 4096;

    private readonly Boundary<T>? outlet;            // what is next, where that is a boundary: called without going through the base type
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

    /// <summary>Where tickets come from, when the run follows its items. Set while the run is built.</summary>
    public TicketRing? Tickets { get; set; }

    /// <summary>Called for each of its items when nothing of it is outstanding, on any thread; null if it does not want to know.</summary>
    public virtual Action? ItemEnded => null;

    protected StageContext Context { get; }

    protected Inlet<T> Next { get; }

    /// <summary>No more items are wanted.</summary>
    protected bool IsStopped => stopped;

    /// <summary>Cancelled when no more items are wanted: what a source waits with. Made when first asked for.</summary>
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

    // A short run is over before it is awaited: then without a state machine.
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
        catch
        {
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

    /// <summary>Something of the source is still at work although no more is wanted: what is behind the source goes on without it.</summary>
    /// <remarks>The run waits for it, so far as it ends within the grace, or by the deadline of a drain, and names it after that. If it fails, the source has failed.</remarks>
    protected void LeaveBehind(Task work) => leaving = work;

    /// <summary>Produces until the end, or until <see cref="IsStopped"/>.</summary>
    protected abstract ValueTask ProduceAsync();

    /// <summary>Hands one item on.</summary>
    protected ValueTask EmitAsync(T item)
    {
        Ticket? ticket = Tickets?.Next();
        if (++Context.Out == endOfTurn) return EndTurnAsync(item, ticket);
        return outlet is null ? Next.PushAsync(item, ticket) : outlet.PushAsync(item, ticket);
    }

    /// <summary>An item that a run before this one has begun with is not there any more: what is counted of it is not counted of the next one.</summary>
    protected void PassOver() => Tickets?.Next().Settle(Outcome.Skipped);

    /// <summary>The same for an item behind which nothing else waits: this thread may go on with what is behind the next boundary.</summary>
    protected ValueTask EmitLastAsync(T item)
    {
        Turn.BeginLast();
        ValueTask pushed = EmitAsync(item);
        Turn.EndLast();
        return pushed;
    }

    /// <summary>A source that never has to wait would keep its thread, which others may need, timers too.</summary>
    private ValueTask EndTurnAsync(T item, Ticket? ticket)
    {
        endOfTurn += ItemsPerTurn;
        ValueTask pushed = Next.PushAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return pushed;      // it waits already
        return (turn ??= new Waiter(Run.Scheduler)).YieldAsync();
    }

    /// <summary>Waits for something outside, which need not honour its token: until it is there, or no more is wanted.</summary>
    /// <returns>Whether it is there, however it ended. If not, it goes on by itself: <see cref="LeaveBehind"/> it.</returns>
    protected async ValueTask<bool> ArrivesAsync(Task something)
    {
        if (something.IsCompleted) return true;
        Flush();
        Waiter waiter = Outside;
        // Not Task.WaitAsync: that takes a way over the thread pool, on which a serial scheduler loses sight of it.
        something.GetAwaiter().UnsafeOnCompleted(waiter.Wake);
        IsWaiting = true;
        while (!something.IsCompleted && !IsStopped)             // a wake-up may be a late one, for the wait before
        {
            waiter.Arm();
            if ((something.IsCompleted || IsStopped) && waiter.Disarm()) break;
            await waiter.WaitAsync();
        }
        IsWaiting = false;
        return something.IsCompleted;
    }

    /// <summary>For a pump that waits by itself, for others who call <see cref="WakeUp"/>.</summary>
    protected Waiter Outside => outside ??= new Waiter(Run.Scheduler);

    /// <summary>What the pump waits for may have come. Any thread.</summary>
    protected void WakeUp()
    {
        Interlocked.MemoryBarrier();
        Volatile.Read(ref outside)?.Wake();
    }

    /// <summary>Waits for time to pass, or until no more is wanted. May return early: look at the clock again.</summary>
    /// <param name="time">More than zero.</param>
    protected async ValueTask SleepAsync(TimeSpan time)
    {
        Flush();
        Waiter waiter = Outside;
        timeIsUp = false;
        timer ??= Run.Time.CreateTimer(static pump => ((SourcePump<T>)pump!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(time, Timeout.InfiniteTimeSpan);
        waiter.Arm();
        if ((timeIsUp || IsStopped) && waiter.Disarm()) return;
        IsWaiting = true;
        await waiter.WaitAsync();
        IsWaiting = false;
    }

    /// <summary>Waits for what the run itself is to do, also when no more is wanted; others tell of it by <see cref="WakeUp"/>.</summary>
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

    /// <summary>About to wait for the outside, or for room: what came before is not to wait as well.</summary>
    protected void Flush() => Next.Flush();

    private void OnTimer()
    {
        timeIsUp = true;
        WakeUp();
    }

    /// <summary>What the user's code of the source threw, with the source named.</summary>
    protected Exception Failure(Exception cause) => Context.Failure(cause);
}
