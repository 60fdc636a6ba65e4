namespace Sluice;

/// <summary>
/// The places that a body needs to run where its step or a scope around it has a limit. A body that awaits a future, or a scope, gives them back while it waits: otherwise steps that call steps
/// could wait for each other for ever. An attempt has a seat of its own, and keeps its places until the body has ended, also if its time limit has left it behind.
/// </summary>
/// <remarks>
/// Locking rule: who holds the places, and who waits to go on with them, under the lock; places are taken and given, and calls released, outside of it. At most one request is under way.
/// </remarks>
/// <param name="call">Of which it is an attempt.</param>
/// <param name="line">What it needs.</param>
/// <param name="hasStarted">False: it requests places so that the call can start; true: so that it can go on.</param>
internal sealed class Seat(ICall call, Line line, bool hasStarted = false) : IBody
{
    private readonly Lock sync = new();
    private readonly List<Hop> waiting = [];
    private bool isHeld;
    private bool isRequested;
    private volatile bool hasStarted = hasStarted;
    private volatile bool isOver;

    public Line Line => line;

    public RunScheduler Scheduler => call.Scheduler;

    /// <summary>Whether places are of use to it.</summary>
    public bool IsWanted => !isOver && (hasStarted || call.IsUnstarted);

    ICall IBody.Call => call;

    Seat IBody.Seat => this;

    /// <summary>The call is ready to run.</summary>
    public void Request(ref Released released)
    {
        isRequested = true;
        Proceed(ref released);
    }

    /// <summary>All places are there, that it has requested.</summary>
    /// <returns>False: they are of no use any more. Give them to others.</returns>
    public bool OnTaken(ref Released released)
    {
        bool begins;
        lock (sync)
        {
            isRequested = false;
            if (isOver) return false;
            isHeld = true;
            begins = !hasStarted;
            hasStarted = true;
        }
        if (begins) released.Ready(call);
        else GoOn();
        return true;
    }

    /// <summary>The body has ended, or will never run.</summary>
    public void Close(ref Released released)
    {
        bool gives;
        lock (sync)
        {
            if (isOver) return;
            isOver = true;
            gives = isHeld;
            isHeld = false;
        }
        if (gives) line.Give(ref released);
        GoOn();
    }

    /// <inheritdoc cref="Close(ref Released)"/>
    public void Close()
    {
        var released = new Released(here: null);
        Close(ref released);
        released.Spread();
    }

    /// <summary>Gives the places back for now; <see cref="Return"/> takes them again.</summary>
    public void Leave()
    {
        lock (sync)
        {
            if (!isHeld) return;
            isHeld = false;
        }
        var released = new Released(here: null);
        line.Give(ref released);
        released.Spread();
    }

    /// <summary>The hop goes on when the places are there again.</summary>
    public void Return(Hop hop)
    {
        lock (sync)
        {
            if (!isHeld && !isOver)
            {
                waiting.Add(hop);
                if (isRequested) return;
                isRequested = true;
                hop = null!;
            }
        }
        if (hop is not null)
        {
            hop.GoOn();
            return;
        }
        var released = new Released(here: null);
        Proceed(ref released);
        released.Spread();
    }

    /// <summary>The end of a future, when the body may go on. Others have its places until then.</summary>
    public Task LeaveUntilAsync(Future future)
    {
        if (isOver) return FutureEnd.Of(future);
        future.MarkAwaited();
        Leave();
        var hop = new Hop(this);
        Task end = hop.AsTask();
        if (!future.TryAttach(hop)) Return(hop);
        return end;
    }

    /// <summary>The end of a task, whatever its outcome, when the body may go on.</summary>
    public Task LeaveUntilAsync(Task task)
    {
        Leave();
        var hop = new Hop(this);
        Task end = hop.AsTask();
        task.ConfigureAwait(Scheduler.IsSerial).GetAwaiter().UnsafeOnCompleted(hop.Return);     // where one thing runs at a time, not by way of the pool
        return end;
    }

    private void Proceed(ref Released released)
    {
        if (line.TryTake(this, hasStarted) && !OnTaken(ref released)) line.Give(ref released);
    }

    private void GoOn()
    {
        Hop[] all;
        lock (sync)
        {
            if (waiting.Count == 0) return;
            all = [.. waiting];
            waiting.Clear();
        }
        foreach (Hop hop in all) hop.GoOn();
    }
}
