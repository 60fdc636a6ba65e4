using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>One of the lanes of a parallel stage: an instance of the stage, or of several that share their lanes, which works on one chunk after the other.</summary>
/// <remarks>Runs at most once at a time; goes to rest when there is nothing to take. Its own outlet collects what comes out.</remarks>
internal sealed class Lane<TIn, TOut>(ParallelStage<TIn, TOut> owner) : IThreadPoolWorkItem
{
    private const int MaxHeldOutputs = 1024;
    private const int ChunksPerTurn = 16;

    private Inlet<TIn> stage = null!;
    private Outlet outlet = null!;
    private int working;

    public bool IsWorking => Volatile.Read(ref working) != 0;

    /// <summary>Called while the run is built.</summary>
    public void Install(int last, Func<Inlet<TOut>, Inlet<TIn>> lane, Inlet<TOut> next)
    {
        outlet = new Outlet(owner, next, last);
        stage = lane(outlet);
        stage.Attach(owner);
    }

    /// <summary>Starts it unless it works already.</summary>
    public bool TryStart()
    {
        if (working != 0 || Interlocked.CompareExchange(ref working, 1, 0) != 0) return false;
        owner.LaneScheduler.Schedule(this);
        return true;
    }

    /// <summary>No more is wanted behind it.</summary>
    public void Stop() => outlet.Upstream?.Stop();

    /// <summary>The end hooks of the instance; what they put out goes straight on.</summary>
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
            while (!owner.Run.IsStopping && owner.Board.TryTake(out Chunk<TIn, TOut> chunk))
            {
                outlet.Chunk = chunk;
                long start = Stopwatch.GetTimestamp();
                ValueTask work = WorkAsync(chunk);
                if (!work.IsCompletedSuccessfully) await work;
                if (owner.Board.Finish(chunk, Stopwatch.GetTimestamp() - start)) owner.WakeOutput();
                if (++chunks < ChunksPerTurn) continue;
                owner.LaneScheduler.Schedule(this);              // at the end of its queue: others may need this thread
                return;
            }
            // Rest, then look once more: a chunk may have come between the last look and now.
            Interlocked.Exchange(ref working, 0);
            if (owner.Run.IsStopping || owner.Board.IsCompleted) owner.WakeOutput();       // which may wait for lanes to rest
            if (owner.Run.IsStopping || !owner.Board.HasWork || Interlocked.CompareExchange(ref working, 1, 0) != 0) return;
        }
    }

    /// <summary>Never throws: what fails waits in the chunk for its turn.</summary>
    private ValueTask WorkAsync(Chunk<TIn, TOut> chunk)
    {
        try
        {
            List<(TIn Item, Ticket? Ticket)> inputs = chunk.Inputs;
            for (int i = 0; i < inputs.Count; i++)
            {
                if (owner.Run.IsStopping) throw new RunStoppedException();
                ValueTask pushed = stage.PushAsync(inputs[i].Item, inputs[i].Ticket);
                if (!pushed.IsCompletedSuccessfully) return RestAsync(pushed, chunk, i);
            }
        }
        catch (Exception e)
        {
            chunk.Failure = e;
        }
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RestAsync(ValueTask pushed, Chunk<TIn, TOut> chunk, int at)
    {
        try
        {
            await pushed;
            while (++at < chunk.Inputs.Count)
            {
                if (owner.Run.IsStopping) throw new RunStoppedException();
                pushed = stage.PushAsync(chunk.Inputs[at].Item, chunk.Inputs[at].Ticket);
                if (!pushed.IsCompletedSuccessfully) await pushed;
            }
        }
        catch (Exception e)
        {
            chunk.Failure = e;
        }
    }

    /// <summary>Collects what the lane's instance puts out.</summary>
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
