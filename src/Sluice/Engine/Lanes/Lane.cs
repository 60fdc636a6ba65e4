using System.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// A lane of a parallel stage: an instance of the stage, or of several fused ones, that processes one slice after the other.
/// </summary>
/// <remarks>It runs at most once at a time, and rests when there is no slice to take. Its outlet collects the outputs.</remarks>
internal sealed class Lane<TIn, TOut>(ParallelStage<TIn, TOut> owner) : IThreadPoolWorkItem
{
    private const int MaxHeldOutputs = 1024;
    private const int ChunksPerTurn = 16;

    private Inlet<TIn> stage = null!;
    private Outlet outlet = null!;
    private int working;

    public bool IsWorking => Volatile.Read(ref working) != 0;

    /// <summary>Sets the instance. Called while the run is built.</summary>
    public void Install(int last, Func<Inlet<TOut>, Inlet<TIn>> lane, Inlet<TOut> next)
    {
        outlet = new Outlet(owner, next, last);
        stage = lane(outlet);
        stage.Attach(owner);
    }

    /// <summary>Starts the lane unless it is working.</summary>
    public bool TryStart()
    {
        if (working != 0 || Interlocked.CompareExchange(ref working, 1, 0) != 0) return false;
        owner.LaneScheduler.Schedule(this);
        return true;
    }

    /// <summary>Tells the instance that no more outputs are wanted.</summary>
    public void Stop() => outlet.Upstream?.Stop();

    /// <summary>Completes the instance; its last outputs go directly to the next stage.</summary>
    public ValueTask CompleteAsync()
    {
        outlet.PassThrough();
        return stage.CompleteAsync();
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        owner.Run.Enter();
        int chunks = 0;
        while (true)
        {
            while (!owner.Run.IsStopping && owner.Board.TryTake(out Chunk<TIn, TOut> chunk, out bool wantsInput))
            {
                if (wantsInput) owner.WakeInput();
                outlet.Chunk = chunk;
                long start = Stopwatch.GetTimestamp();
                ValueTask work = WorkAsync(chunk);
                if (!work.IsCompletedSuccessfully) await work;
                if (owner.Board.Finish(chunk, Stopwatch.GetTimestamp() - start)) owner.WakeOutput();
                if (++chunks < ChunksPerTurn) continue;
                owner.LaneScheduler.Schedule(this);              // yields: other work may need this thread
                return;
            }
            // Rest first, then check again: a slice may have come in between.
            Interlocked.Exchange(ref working, 0);
            if (owner.Run.IsStopping || owner.Board.IsCompleted) owner.WakeOutput();       // it may wait for lanes to rest
            if (owner.Run.IsStopping || !owner.Board.HasWork || Interlocked.CompareExchange(ref working, 1, 0) != 0) return;
        }
    }

    /// <summary>Processes a slice. Never throws: a failure waits in the slice for its turn.</summary>
    private ValueTask WorkAsync(Chunk<TIn, TOut> chunk)
    {
        try
        {
            List<(TIn Item, Ticket? Ticket)> inputs = chunk.Inputs;
            for (int i = 0; i < inputs.Count; i++)
            {
                if (owner.Run.IsStopping) throw new RunStoppedException();
                long before = chunk.Outputs.Total;
                ValueTask pushed = stage.PushAsync(inputs[i].Item, inputs[i].Ticket);
                if (!pushed.IsCompletedSuccessfully) return RestAsync(pushed, chunk, i, before);
            }
        }
        catch (Exception e)
        {
            chunk.Failure = e;
        }
        return default;
    }

    // The item may take any time: if it takes long, what came out before it goes on, and other lanes take what is behind it.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RestAsync(ValueTask pushed, Chunk<TIn, TOut> chunk, int at, long before)
    {
        try
        {
            while (true)
            {
                bool isShared = owner.Board.HasBeside(chunk, at, before);
                try
                {
                    if (isShared)
                    {
                        chunk.Rest(at, before);
                        owner.Run.Watchdog.Watch();
                    }
                    await pushed;
                }
                finally
                {
                    if (isShared) owner.Board.GoOn(chunk);
                }
                do
                {
                    if (++at >= chunk.Inputs.Count) return;
                    if (owner.Run.IsStopping) throw new RunStoppedException();
                    before = chunk.Outputs.Total;
                    pushed = stage.PushAsync(chunk.Inputs[at].Item, chunk.Inputs[at].Ticket);
                }
                while (pushed.IsCompletedSuccessfully);
            }
        }
        catch (Exception e)
        {
            chunk.Failure = e;
        }
    }

    /// <summary>Collects the outputs of the lane's instance.</summary>
    private sealed class Outlet : Inlet<TOut>, ICollector<TOut>
    {
        private readonly ParallelStage<TIn, TOut> owner;
        private readonly Inlet<TOut> next;
        private readonly Waiter overflow;
        private bool passes;

        public Outlet(ParallelStage<TIn, TOut> owner, Inlet<TOut> next, int node)
            => (this.owner, this.next, Node, overflow) = (owner, next, node, owner.NewWaiter());

        public Chunk<TIn, TOut> Chunk { get; set; } = null!;

        public void PassThrough() => passes = true;

        public bool Collects => !passes;

        public Span<TOut> Reserve(int count) => Chunk.Outputs.Reserve(count);

        public void Added(int count, Ticket? ticket) => Chunk.Outputs.Added(count, ticket);

        public ValueTask RoomAsync() => Chunk.Outputs.Count <= MaxHeldOutputs ? default : WaitAsync();

        public override ValueTask PushAsync(TOut item, Ticket? ticket)
        {
            if (passes) return next.PushAsync(item, ticket);
            Chunk.Outputs.Add(item, ticket);
            return RoomAsync();
        }

        public override bool HoldsOutputs => true;

        /// <summary>Hands over what the current item has put out. Called only by the stages of the lane, between their pushes.</summary>
        public override void Flush()
        {
            if (passes || Chunk.Outputs.Total <= Chunk.Ready) return;
            if (owner.Board.Hand(Chunk, Chunk.Outputs.Total)) owner.WakeOutput();
        }

        protected override ValueTask OnCompleteAsync() => default;

        private async ValueTask WaitAsync()
        {
            overflow.Arm();
            owner.Board.Overflow(Chunk, overflow);
            owner.WakeOutput();
            if (owner.Run.IsStopping) overflow.Wake();
            await overflow.WaitAsync();
            owner.Run.ThrowIfStopping();
        }
    }
}
