namespace Sluice;

/// <summary>
/// The places that a body needs to run where its step or a scope around it has a limit. A body that awaits a future, or a scope, gives them back while it waits: otherwise steps that call steps
/// could wait for each other for ever. An attempt has a seat of its own, and keeps its places until the body has ended, also if its time limit has left it behind.
/// </summary>
/// <remarks>
/// <para>A body may wait in several flows at once (<c>Task.WhenAll(FirstAsync(), SecondAsync())</c>). It cannot end before all of them have. So while one of them waits for a future, the body holds its
/// places only for as long as another flow, which has just got what it waited for, runs up to its next wait.</para>
/// <para>Locking rule: who holds the places, and who waits to go on with them, under the lock; places are taken and given, and calls released, outside of it. At most one request is under way.</para>
/// </remarks>
/// <param name="call">Of which it is an attempt.</param>
/// <param name="line">What it needs.</param>
/// <param name="hasStarted">False: it requests places so that the call can start; true: so that it can go on.</param>
internal sealed class LimitPermit(ICall call, LimitQueue line, bool hasStarted = false) : IBody
{
    private readonly Lock sync = new();
    private readonly List<Resumption> waiting = [];         // what they waited for is there: they need the places to go on
    private int away = hasStarted ? 1 : 0;           // flows that wait for something that is not there yet
    private int working;                             // flows that have got what they waited for, up to their next wait
    private bool isHeld;
    private bool isRequested;
    private volatile bool hasStarted = hasStarted;
    private volatile bool isOver;

    public LimitQueue Line => line;

    public RunScheduler Scheduler => call.Scheduler;

    /// <summary>Whether places are of use to it.</summary>
    public bool IsWanted => !isOver && (hasStarted || call.IsUnstarted);

    public ICall Call => call;

    LimitPermit IBody.Seat => this;

    /// <summary>The call is ready to run.</summary>
    public void Request(ref ReadyList released)
    {
        isRequested = true;
        Proceed(ref released);
    }

    /// <summary>All places are there, that it has requested.</summary>
    /// <returns>False: they are of no use any more. Give them to others.</returns>
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
        foreach (Resumption hop in ready) hop.GoOn();
        return true;
    }

    /// <summary>The body has ended, or will never run.</summary>
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
        foreach (Resumption hop in ready) hop.GoOn();
    }

    /// <inheritdoc cref="Close(ref ReadyList)"/>
    public void Close()
    {
        var released = new ReadyList(here: null);
        Close(ref released);
        released.Spread();
    }

    /// <summary>A flow of the body begins to wait: the places are given back for now. <see cref="Return"/> or <see cref="Repay"/> ends that.</summary>
    public void Leave()
    {
        Resumption.EndOfFlow(this);
        Give(goesAway: 1, worked: 0);
    }

    /// <summary>A flow that has got what it waited for has come to its next wait, or to its end.</summary>
    public void OnWorked() => Give(goesAway: 0, worked: 1);

    /// <summary>A flow has what it waited for: the hop goes on when the places are there again.</summary>
    public void Return(Resumption hop)
    {
        call.CountAwaits(-1);
        bool requests = false;
        lock (sync)
        {
            away--;
            if (!isHeld && !isOver)
            {
                waiting.Add(hop);
                if (isRequested) return;
                requests = isRequested = true;
            }
            else
            {
                working++;
            }
        }
        if (requests) RequestAgain();
        else hop.GoOn();
    }

    /// <summary>What somebody waited for who cannot be held up is there: the places are taken as soon as they are free.</summary>
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

    /// <summary>The end of a future, when the body may go on. Others have its places until then.</summary>
    /// <param name="future">What the body awaits.</param>
    /// <param name="circle">Who waits for whom, if the future waits for the body: then the body goes on at once.</param>
    public Resumption LeaveUntil(Future future, out string? circle)
    {
        circle = null;
        future.MarkAwaited();
        Leave();
        var hop = new Resumption(this);
        if (!future.TryAttach(hop) || (call.IsRunning && (circle = WaitCircle.ClosedBy(this, future)) is not null)) hop.Return();
        return hop;
    }

    /// <summary>The end of a task, whatever its outcome, when the body may go on.</summary>
    public Resumption LeaveUntil(Task task)
    {
        Leave();
        var hop = new Resumption(this);
        task.ConfigureAwait(Scheduler.IsSerial).GetAwaiter().UnsafeOnCompleted(hop.Return);     // where one thing runs at a time, not by way of the pool
        return hop;
    }

    /// <summary>Others have the places until a future has ended, whose task the body has: how it waits for that is not known.</summary>
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

    /// <summary>Under the lock.</summary>
    private Resumption[] TakeWaiting()
    {
        if (waiting.Count == 0) return [];
        Resumption[] all = [.. waiting];
        waiting.Clear();
        working += all.Length;
        return all;
    }

    /// <summary>Takes the places again when a future has ended.</summary>
    private sealed class Loan(LimitPermit seat) : IDependent
    {
        void IDependent.OnEnded(Future dependency, ref ReadyList released) => seat.Repay();

        void IDependent.OnCancelling(Failure cancellation, ref ReadyList released)
        {
            // it ends when the step does
        }
    }
}
