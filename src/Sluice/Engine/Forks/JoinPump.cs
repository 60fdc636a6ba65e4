using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// Where the branches of a fork-join come together that do not all run on one thread: holds the items that are in the branches, and drives what follows with what was made of them.
/// </summary>
/// <remarks>
/// Items are in a queue without locks: where order is kept, from when they go into the branches, and the first one is taken when it has ended there; else from when they have ended. They are added by the fork stage, or by
/// whoever settles the last part, and taken by the pump; in a single-threaded run also by the fork stage, so that an item is complete before the next one goes in, and the two meet at a gate.
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
    private readonly Gate? gate;
    private Fork first;                              // was taken already: the one behind it is next
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

    public bool HoldsUnannounced => false;

    /// <summary>Called while the run is built.</summary>
    /// <param name="from">The fan-out.</param>
    /// <param name="fork">Who pushes into the branches.</param>
    public void Open(int from, IUpstream fork)
    {
        From = from;
        end.Attach(fork);
    }

    /// <summary>An item goes into the branches.</summary>
    public Fork<T> Begin(T item, Ticket? ticket, int parts)
    {
        var fork = new Fork<T>(this, parts);
        fork.Begin(item, ticket, parts, isTold: true);
        Interlocked.Increment(ref held);
        if (isOrdered) Add(fork);
        return fork;
    }

    /// <summary>For the fork stage, when as many are held as may be.</summary>
    public async ValueTask WaitForRoomAsync()
    {
        while (!HasRoom)
        {
            room.Arm();
            if ((!HasRoom && !Run.IsStopping) || !room.Disarm()) await room.WaitAsync();
            Run.ThrowIfStopping();
        }
    }

    public void Ended(Fork fork)
    {
        if (!isOrdered) Add(fork);
        Interlocked.MemoryBarrier();                 // that it has ended is to be seen before anybody looks at the first
        if (!isOrdered || Volatile.Read(ref first).Behind is not { IsSettled: false }) consumer.Wake();           // else whoever ends the first one wakes
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

    /// <summary>Makes and pushes what there is to be made, up to a number.</summary>
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
                    // its root knows of it
                }
                Interlocked.Decrement(ref held);
                room.Wake();
            }
        }
        catch (Exception e) when (gate is not null)
        {
            Run.Fail(e, Node);                       // before the next party is let in: nothing comes after a failed item
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
                await consumer.YieldAsync();         // whoever feeds a branch may need this thread
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

    /// <summary>Any thread.</summary>
    private void Add(Fork fork)
    {
        Fork before = Interlocked.Exchange(ref last, fork);
        Volatile.Write(ref before.Behind, fork);
    }
}
