using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// The input of a parallel stage: cuts its items into slices of about 50 µs of work and gives them to lanes, each of which may have
/// several stages. <see cref="ParallelOutput{TIn, TOut}"/> pushes the outputs on, in order unless told otherwise.
/// </summary>
internal sealed class ParallelStage<TIn, TOut> : Inlet<TIn>, IUpstream, IBoundary
{
    private readonly Waiter roomForInput;
    private readonly Lane<TIn, TOut>[] lanes;
    private readonly ParallelOutput<TIn, TOut> output;
    private volatile Chunk<TIn, TOut>? filling;
    private readonly BlockedClock blocked;
    private readonly int last;                       // the last node of the lanes
    private bool stopped;
    private int fillLock;                            // 1 while the input or the watchdog uses `filling`

    private ParallelStage(RunBuilder builder, int node, int last, StageOptions options, Inlet<TOut> next,
        Func<Inlet<TOut>, Inlet<TIn>> lane)
    {
        Run = builder.Run;
        Node = node;
        this.last = last;
        LaneScheduler = options.Blocks && Run.Scheduler == RunScheduler.ThreadPool ? BlockingThreads.OfProcess : Run.Scheduler;
        // Where items are followed, nothing that comes out of sinks needs an order; elsewhere the first failure does.
        bool isOrdered = options.Ordered && (builder.Following is null || typeof(TOut) != typeof(Unit));
        Board = new(isOrdered, Math.Max(Run.Options.MaxBufferedItems, options.Parallel), options.Parallel,
            adapts: !Run.Scheduler.IsSerial && !options.Blocks);     // an item that blocks would hold up those behind it in its slice
        roomForInput = NewWaiter();
        blocked = new(Run.Time);
        lanes = new Lane<TIn, TOut>[options.Parallel];
        output = new ParallelOutput<TIn, TOut>(Run, next, next.Node >= 0 ? next.Node : last, node, Board, roomForInput, lanes);
        for (int i = 0; i < lanes.Length; i++)
        {
            lanes[i] = new Lane<TIn, TOut>(this);
            lanes[i].Install(last, lane, next);
        }
        next.Attach(this);
        Run.Add(output);
        Run.Boundaries.Add(this);
    }

    public PipelineRun Run { get; }

    /// <summary>The scheduler of the lanes.</summary>
    public RunScheduler LaneScheduler { get; }

    public ChunkBoard<TIn, TOut> Board { get; }

    public int Count => Board.Count;

    public bool IsBlocked => roomForInput.IsArmed;

    public bool HoldsUnannounced => filling is not null || Board.AreResting;

    public int? LanesWorkUntil => Array.Exists(lanes, static lane => lane.IsWorking) ? last : null;

    public int From { get; private set; } = -1;

    public TimeSpan BlockedTime => blocked.Time;

    public override void ComesFrom(int from) => From = from;

    public static Inlet<TIn> Create(
        RunBuilder builder, int node, int last, StageOptions options, Inlet<TOut> next, Func<Inlet<TOut>, Inlet<TIn>> lane)
        => new ParallelStage<TIn, TOut>(builder, node, last, options, next, lane);

    public Waiter NewWaiter()
    {
        var waiter = new Waiter(Run.Scheduler);
        Run.OnStop.Add(waiter.Wake);
        return waiter;
    }

    /// <summary>Stops the input, and one-to-many work inside the lanes: no more items are wanted.</summary>
    public void Stop()
    {
        if (Interlocked.Exchange(ref stopped, true)) return;         // the lanes call it again
        foreach (Lane<TIn, TOut> lane in lanes) lane.Stop();
        Upstream?.Stop();
    }

    /// <summary>Dispatches a partly filled slice, because its input is held up, and helps a lane that waits for long.</summary>
    public void WakeConsumer()
    {
        Flush();
        (bool output, bool lane, bool input) = Board.Tick();
        if (output) WakeOutput();
        if (input) WakeInput();
        if (lane) StartLane();
    }

    public void Abort()
    {
        WakeOutput();
        roomForInput.Wake();
    }

    public override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        EnterFilling();
        Chunk<TIn, TOut>? chunk = filling;
        bool isNew = chunk is null;
        chunk ??= filling = Board.Rent();
        chunk.Inputs.Add((item, ticket));
        if (chunk.Inputs.Count < Board.ChunkSize && Board.HasRoomBeside(chunk.Inputs.Count))
        {
            ExitFilling();
            if (!isNew) return default;
            Interlocked.MemoryBarrier();             // before Watch reads whether the watchdog ticks
            Run.Watchdog.Watch();
            return default;
        }
        Dispatch(chunk);
        return Board.IsFull ? WaitForRoomAsync() : default;
    }

    public override void Flush()
    {
        EnterFilling();
        if (filling is { } chunk) Dispatch(chunk);
        else ExitFilling();
    }

    private void StartLane()
    {
        foreach (Lane<TIn, TOut> lane in lanes)
            if (lane.TryStart()) return;
    }

    /// <summary>Lets an input go on that has waited for room.</summary>
    public void WakeInput()
    {
        Interlocked.MemoryBarrier();
        roomForInput.Wake();
    }

    public void WakeOutput()
    {
        Interlocked.MemoryBarrier();
        output.Waiter.Wake();
    }

    protected override ValueTask OnCompleteAsync()
    {
        Flush();
        Board.Complete();
        WakeOutput();
        return default;
    }

    private void EnterFilling()
    {
        if (Interlocked.CompareExchange(ref fillLock, 1, 0) == 0) return;
        var spin = default(SpinWait);
        while (Interlocked.CompareExchange(ref fillLock, 1, 0) != 0) spin.SpinOnce();
    }

    private void ExitFilling() => Volatile.Write(ref fillLock, 0);

    private void Dispatch(Chunk<TIn, TOut> chunk)
    {
        filling = null;
        Board.Dispatch(chunk);
        ExitFilling();
        StartLane();
    }

    private async ValueTask WaitForRoomAsync()
    {
        blocked.Begin();
        try
        {
            while (Board.IsFull)
            {
                roomForInput.Arm();
                if ((!Board.IsFull || Run.IsStopping) && roomForInput.Disarm()) { }
                else await roomForInput.WaitAsync();
                Run.ThrowIfStopping();
            }
        }
        finally
        {
            blocked.End();
        }
    }
}
