using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// Joins the branches of a fork-join that run on several islands: it holds the items that are in the branches, and drives the stages
/// behind the join with the results.
/// </summary>
/// <remarks>
/// Forks are in a lock-free queue. With order, a fork is queued when its item enters the branches, and taken when it is first and settled;
/// without order, it is queued when it has settled. The fork stage, or the thread that settles the last part, adds; the pump takes. In a
/// single-threaded run the fork stage takes as well, so that an item is complete before the next enters; the two meet at a gate.
/// At most <see cref="RunOptions.MaxBufferedItems"/> items are held.
/// </remarks>
internal sealed class JoinPump<T, TOut> : Pump, IForkJoin, IBoundary
{
    private const int ItemsPerTurn = 1024;

    private readonly ForkEnd<T, TOut> end;
    private readonly bool isOrdered;
    private readonly int capacity;
    private readonly Waiter consumer;
    private readonly Waiter room;
    private readonly BlockedClock blocked;
    private readonly Gate? gate;
    private Fork first;                              // already taken: the fork behind it is next
    private Fork last;
    private int held;
    private int openBranches;

    public JoinPump(RunBuilder builder, ForkEnd<T, TOut> end, int branches, bool isOrdered) : base(builder.Run, end.Context.Node)
    {
        (this.end, this.isOrdered, openBranches) = (end, isOrdered, branches);
        capacity = Run.Options.MaxBufferedItems;
        GoesOn = Run.Options.Following is not null;
        consumer = new(Run.Scheduler);
        room = new(Run.Scheduler);
        blocked = new(Run.Time);
        if (!builder.IsMultiThread) gate = new(Run.Scheduler);
        first = last = new Fork<T>(this, 0);
        Run.Add(this);
        Run.Boundaries.Add(this);
    }

    public bool GoesOn { get; }

    public bool IsSerial => gate is not null;

    public int From { get; private set; }

    public int Count => Volatile.Read(ref held);

    public bool HasRoom => Count < capacity;

    public bool IsBlocked => room.IsArmed;

    public TimeSpan BlockedTime => blocked.Time;

    public bool HoldsUnannounced => false;

    /// <summary>Connects the join with its fork stage. Called while the run is built.</summary>
    /// <param name="from">The fan-out.</param>
    /// <param name="fork">The fork stage, which pushes into the branches.</param>
    public void Open(int from, IUpstream fork)
    {
        From = from;
        end.Attach(fork);
    }

    /// <summary>Makes the fork of an item that enters the branches.</summary>
    public Fork<T> Begin(T item, Ticket? ticket, int parts)
    {
        var fork = new Fork<T>(this, parts);
        fork.Begin(item, ticket, parts, isTold: true);
        Interlocked.Increment(ref held);
        if (isOrdered) Add(fork);
        return fork;
    }

    /// <summary>Waits until fewer items are held than the capacity. For the fork stage.</summary>
    public async ValueTask WaitForRoomAsync()
    {
        blocked.Begin();
        try
        {
            while (!HasRoom)
            {
                room.Arm();
                if ((!HasRoom && !Run.IsStopping) || !room.Disarm()) await room.WaitAsync();
                Run.ThrowIfStopping();
            }
        }
        finally
        {
            blocked.End();
        }
    }

    public void Ended(Fork fork)
    {
        if (!isOrdered) Add(fork);
        Interlocked.MemoryBarrier();                 // the settled state must be visible before `first` is read
        if (!isOrdered || Volatile.Read(ref first).Behind is not { IsSettled: false }) consumer.Wake(); // else the first one wakes it
    }

    public void BranchEnded()
    {
        if (Interlocked.Decrement(ref openBranches) == 0) WakeConsumer();
    }

    public void WakeConsumer()
    {
        Interlocked.MemoryBarrier();
        consumer.Wake();
    }

    public void Abort()
    {
        consumer.Wake();
        room.Wake();
    }

    /// <summary>Joins settled items and pushes their results, up to <c>ItemsPerTurn</c>.</summary>
    public async ValueTask DrainAsync()
    {
        if (gate is not null) await gate.EnterAsync();
        try
        {
            for (int i = 0; i < ItemsPerTurn && TryTake() is { } fork; i++)
            {
                Run.ThrowIfStopping();
                try
                {
                    ValueTask joined = end.JoinAsync(fork);
                    if (!joined.IsCompletedSuccessfully)
                    {
                        end.Flush();
                        await joined;
                    }
                }
                catch (PipelineException e) when (e.IsKept)
                {
                    // its root has recorded the failure
                }
                Interlocked.Decrement(ref held);
                room.Wake();
            }
        }
        catch (Exception e) when (gate is not null)
        {
            Run.Fail(e, Node);                       // inside the gate, so that no item follows the failed one
            throw;
        }
        finally
        {
            gate?.Exit();
        }
    }

    protected override async ValueTask PumpAsync()
    {
        while (true)
        {
            bool isOver = Volatile.Read(ref openBranches) == 0;
            ValueTask drained = DrainAsync();
            if (!drained.IsCompletedSuccessfully) await drained;
            Run.ThrowIfStopping();
            if (HasReady)
            {
                await consumer.YieldAsync();         // the producer of a branch may need this thread
                continue;
            }
            if (isOver) break;
            end.Flush();
            consumer.Arm();
            if ((HasReady || Volatile.Read(ref openBranches) == 0 || Run.IsStopping) && consumer.Disarm()) continue;
            IsWaiting = true;
            await consumer.WaitAsync();
            IsWaiting = false;
        }
        if (Count > 0) throw new InvalidOperationException($"The branches of {Run.NameOf(Node)} have ended, and {Count} items have not.");
        await end.CompleteAsync();
    }

    private bool HasReady => first.Behind is { } next && (!isOrdered || next.IsSettled);

    private Fork<T>? TryTake()
    {
        if (Volatile.Read(ref first.Behind) is not { } next || (isOrdered && !next.IsSettled)) return null;
        Volatile.Write(ref first, next);
        return (Fork<T>)next;
    }

    /// <summary>Queues a fork. Any thread.</summary>
    private void Add(Fork fork)
    {
        Fork before = Interlocked.Exchange(ref last, fork);
        Volatile.Write(ref before.Behind, fork);
    }
}
