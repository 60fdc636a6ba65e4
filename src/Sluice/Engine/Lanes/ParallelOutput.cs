using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>The output of a parallel stage: pushes on the outputs of finished slices, in order or as they are finished.</summary>
/// <param name="run">The run.</param>
/// <param name="next">The inlet behind the lanes.</param>
/// <param name="node">The node of that inlet, or the last node of the lanes.</param>
/// <param name="first">The first node of the lanes.</param>
/// <param name="board">The slices.</param>
/// <param name="roomForInput">Where the input waits for room.</param>
/// <param name="lanes">The lanes.</param>
internal sealed class ParallelOutput<TIn, TOut>(
    PipelineRun run, Inlet<TOut> next, int node, int first, ChunkBoard<TIn, TOut> board, Waiter roomForInput, Lane<TIn, TOut>[] lanes)
        : Pump(run, node)
{
    private const int ChunksPerTurn = 16;

    private volatile bool awaitsLanes, completesLanes;

    public Waiter Waiter { get; } = new(run.Scheduler);

    public override bool AwaitsLanes => awaitsLanes || IsWaiting;

    public override int CallsFrom => completesLanes ? first : Node;

    protected override async ValueTask PumpAsync()
    {
        try
        {
            for (int chunks = 1; ;)
            {
                while (board.TryPeek(out Chunk<TIn, TOut> chunk, out long upTo, out bool isDone))
                {
                    ValueTask emitted = EmitAsync(chunk, upTo, isDone);
                    if (!emitted.IsCompletedSuccessfully) await emitted;
                    if (chunks++ % ChunksPerTurn == 0) await Waiter.YieldAsync();
                }
                if (board.IsCompleted && board.IsEmpty) break;
                next.Flush();
                if (!StartWaiting()) continue;
                await Waiter.WaitAsync();
                IsWaiting = false;
                Run.ThrowIfStopping();
            }
        }
        catch (Exception e)
        {
            Run.Fail(e, Node);                       // first: the lanes work, or wait for room, until the run stops
            await LanesRestAsync();
            throw;
        }
        await LanesRestAsync();
        completesLanes = true;
        foreach (Lane<TIn, TOut> lane in lanes) await lane.CompleteAsync();
        completesLanes = false;
        await next.CompleteAsync();
    }

    private ValueTask EmitAsync(Chunk<TIn, TOut> chunk, long upTo, bool isDone)
    {
        Outbox<TOut> outputs = chunk.Outputs;
        for (long i = chunk.Emitted; i < upTo; i++)
        {
            if (Run.IsStopping) throw new RunStoppedException();
            ValueTask pushed = next.PushAsync(outputs[i], outputs.TicketOf(i));
            if (!pushed.IsCompletedSuccessfully) return RestAsync(pushed, chunk, i + 1, upTo, isDone);
        }
        EndOf(chunk, upTo, isDone);
        return default;
    }

    private async ValueTask RestAsync(ValueTask pushed, Chunk<TIn, TOut> chunk, long at, long upTo, bool isDone)
    {
        while (true)
        {
            next.Flush();
            await pushed;
            if (at == upTo) break;
            Run.ThrowIfStopping();
            pushed = next.PushAsync(chunk.Outputs[at], chunk.Outputs.TicketOf(at));
            at++;
        }
        EndOf(chunk, upTo, isDone);
    }

    private void EndOf(Chunk<TIn, TOut> chunk, long upTo, bool isDone)
    {
        if (!isDone)
        {
            board.Emitted(chunk, upTo)?.Wake();
            return;
        }
        if (chunk.Failure is { } failure) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        bool hasRoom = board.Remove(chunk);
        Interlocked.MemoryBarrier();
        if (hasRoom) roomForInput.Wake();
        StartLanes();
    }

    /// <summary>Starts lanes that rest although there is work, because too many outputs were held.</summary>
    private void StartLanes()
    {
        foreach (Lane<TIn, TOut> lane in lanes)
        {
            if (!board.HasWork) return;
            lane.TryStart();
        }
    }

    /// <returns>Whether the pump must wait.</returns>
    private bool StartWaiting()
    {
        Waiter.Arm();
        if ((board.TryPeek(out _, out _, out _) || (board.IsCompleted && board.IsEmpty) || Run.IsStopping) && Waiter.Disarm())
        {
            Run.ThrowIfStopping();
            return false;
        }
        IsWaiting = true;
        return true;
    }

    /// <summary>Waits until all lanes rest. Lanes of a stopping run end by themselves, and then wake this pump.</summary>
    private async ValueTask LanesRestAsync()
    {
        while (Array.Exists(lanes, lane => lane.IsWorking))
        {
            Waiter.Arm();
            if (!Array.Exists(lanes, lane => lane.IsWorking) && Waiter.Disarm()) return;
            awaitsLanes = true;
            await Waiter.WaitAsync();
            awaitsLanes = false;
        }
    }
}
