namespace Sluice.Graphs;

/// <summary>The permit of one attempt: its share of all concurrency limits that apply, of its step and of the scopes around it.</summary>
/// <remarks>
/// <para>
/// A body that awaits a future or a scope returns its permits while it waits; otherwise steps that call steps could deadlock. An attempt
/// keeps its permits until its body has ended, even if a timeout has abandoned it.
/// </para>
/// <para>
/// A body may wait in several flows at once (<c>Task.WhenAll(FirstAsync(), SecondAsync())</c>), and cannot end before all of them. So while
/// one flow waits for a future, the body holds its permits only while another flow, whose wait has ended, runs up to its next wait.
/// </para>
/// <para>Locking rule: the lock guards the state and the waiting flows; limits are taken and returned, and calls released, outside of it.
/// At most one request is pending.</para>
/// </remarks>
/// <param name="call">The call of the attempt.</param>
/// <param name="line">The queue of the limits that apply.</param>
/// <param name="hasStarted">Whether it requests permits to continue; false: to start the call.</param>
internal sealed class LimitPermit(ICall call, LimitQueue line, bool hasStarted = false) : IBody
{
    private readonly Lock sync = new();
    private readonly List<Resumption> waiting = [];         // their waits have ended: they need the permits to continue
    private int away = hasStarted ? 1 : 0;           // flows that are waiting
    private int working;                             // flows whose waits have ended, up to their next wait
    private bool isHeld;
    private bool isRequested;
    private volatile bool hasStarted = hasStarted;
    private volatile bool isOver;

    public LimitQueue Line => line;

    public RunScheduler Scheduler => call.Scheduler;

    /// <summary>Whether it still needs permits.</summary>
    public bool IsWanted => !isOver && (hasStarted || call.IsUnstarted);

    public ICall Call => call;

    LimitPermit IBody.Permit => this;

    /// <summary>Requests permits for a call that is ready to run.</summary>
    public void Request(ref ReadyList released)
    {
        isRequested = true;
        Proceed(ref released);
    }

    /// <summary>Receives the requested permits.</summary>
    /// <returns>False if they are no longer needed; pass them on.</returns>
    public bool OnTaken(ref ReadyList released)
    {
        bool begins;
        Resumption[] ready;
        lock (sync)
        {
            isRequested = false;
            begins = !hasStarted;
            if (isOver || (!begins && waiting.Count == 0 && away > 0)) return false;
            isHeld = true;
            hasStarted = true;
            ready = TakeWaiting();
        }
        if (begins) released.Ready(call);
        foreach (Resumption resumption in ready) resumption.GoOn();
        return true;
    }

    /// <summary>Returns the permits for good: the body has ended, or will never run.</summary>
    public void Close(ref ReadyList released)
    {
        bool gives;
        Resumption[] ready;
        lock (sync)
        {
            if (isOver) return;
            isOver = true;
            gives = isHeld;
            isHeld = false;
            ready = TakeWaiting();
        }
        if (gives) line.Give(ref released);
        foreach (Resumption resumption in ready) resumption.GoOn();
    }

    /// <inheritdoc cref="Close(ref ReadyList)"/>
    public void Close()
    {
        var released = new ReadyList(here: null);
        Close(ref released);
        released.Spread();
    }

    /// <summary>Returns the permits while a flow of the body waits. <see cref="Return"/> or <see cref="Repay"/> ends the wait.</summary>
    public void Leave()
    {
        Resumption.EndOfFlow(this);
        Give(goesAway: 1, worked: 0);
    }

    /// <summary>Notes that a flow has reached its next wait, or its end.</summary>
    public void OnWorked() => Give(goesAway: 0, worked: 1);

    /// <summary>Ends the wait of a flow, which continues once the permits are there.</summary>
    public void Return(Resumption resumption)
    {
        call.CountAwaits(-1);
        bool requests = false;
        lock (sync)
        {
            away--;
            if (!isHeld && !isOver)
            {
                waiting.Add(resumption);
                if (isRequested) return;
                requests = isRequested = true;
            }
            else
            {
                working++;
            }
        }
        if (requests) RequestAgain();
        else resumption.GoOn();
    }

    /// <summary>Ends a wait that cannot be delayed: takes the permits as soon as they are free.</summary>
    public void Repay()
    {
        call.CountAwaits(-1);
        lock (sync)
        {
            away--;
            if (isHeld || isOver || isRequested || away > 0) return;
            isRequested = true;
        }
        RequestAgain();
    }

    /// <summary>Returns the permits until a future has ended.</summary>
    /// <param name="future">The future that the body awaits.</param>
    /// <param name="circle">The circle, if the future waits for the body; then the body continues at once.</param>
    public Resumption LeaveUntil(Future future, out string? circle)
    {
        circle = null;
        future.MarkAwaited();
        Leave();
        var resumption = new Resumption(this);
        if (!future.TryAttach(resumption) || (call.IsRunning && (circle = WaitCircle.ClosedBy(this, future)) is not null))
            resumption.Return();
        return resumption;
    }

    /// <summary>Returns the permits until a task has ended, whatever its outcome.</summary>
    public Resumption LeaveUntil(Task task)
    {
        Leave();
        var resumption = new Resumption(this);
        // A serial scheduler's own context, not the pool.
        task.ConfigureAwait(Scheduler.IsSerial).GetAwaiter().UnsafeOnCompleted(resumption.Return);
        return resumption;
    }

    /// <summary>Returns the permits until a future has ended whose task the body has; how it waits for the task is unknown.</summary>
    public void LendUntil(Future future)
    {
        if (isOver) return;
        Leave();
        if (!future.TryAttach(new Loan(this))) Repay();
    }

    /// <inheritdoc cref="LendUntil(Future)"/>
    public void LendUntil(Task task)
    {
        Leave();
        task.ConfigureAwait(Scheduler.IsSerial).GetAwaiter().UnsafeOnCompleted(Repay);
    }

    private void Give(int goesAway, int worked)
    {
        if (goesAway > 0) call.CountAwaits(goesAway);
        lock (sync)
        {
            away += goesAway;
            working -= worked;
            if (!isHeld || working > 0 || away == 0) return;
            isHeld = false;
        }
        var released = new ReadyList(here: null);
        line.Give(ref released);
        released.Spread();
    }

    private void RequestAgain()
    {
        var released = new ReadyList(here: null);
        Proceed(ref released);
        released.Spread();
    }

    private void Proceed(ref ReadyList released)
    {
        if (line.TryTake(this, hasStarted) && !OnTaken(ref released)) line.Give(ref released);
    }

    /// <summary>Takes all flows that wait to continue; call it under the lock.</summary>
    private Resumption[] TakeWaiting()
    {
        if (waiting.Count == 0) return [];
        Resumption[] all = [.. waiting];
        waiting.Clear();
        working += all.Length;
        return all;
    }

    /// <summary>Takes the permits again when a future has ended.</summary>
    private sealed class Loan(LimitPermit permit) : IDependent
    {
        void IDependent.OnEnded(Future dependency, ref ReadyList released) => permit.Repay();

        void IDependent.OnCancelling(Failure cancellation, ref ReadyList released)
        {
            // The loan ends with the step.
        }
    }
}
