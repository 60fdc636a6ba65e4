namespace Sluice;

/// <summary>The output of a parallel stage: pushes what the lanes have finished, in order or as it comes.</summary>
internal sealed class ParallelOutput<TIn, TOut>(
    PipelineRun run, Inlet<TOut> next, int node, ChunkBoard<TIn, TOut> board, Waiter roomForInput, Lane<TIn, TOut>[] lanes) : Pump(run, node)
{
    private const int ChunksPerTurn = 16;

    public Waiter Waiter { get; } = new(run.Scheduler);

    protected override async ValueTask PumpAsync()
    {
        try
        {
            for (int chunks = 1; ;)
            {
                while (board.TryPeek(out Chunk<TIn, TOut> chunk))
                {
                    ValueTask emitted = EmitAsync(chunk);
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
            Run.Fail(e, Node);                       // before waiting for the lanes: they go on, or wait for room, until the run stops
            await LanesRestAsync();
            throw;
        }
        await LanesRestAsync();
        foreach (Lane<TIn, TOut> lane in lanes) await lane.CompleteAsync();
        await next.CompleteAsync();
    }

    private ValueTask EmitAsync(Chunk<TIn, TOut> chunk)
    {
        Outbox<TOut> outputs = chunk.Outputs;
        for (int i = 0; i < outputs.Count; i++)
        {
            if (Run.IsStopping) throw new RunStoppedException();
            ValueTask pushed = next.PushAsync(outputs[i], outputs.TicketOf(i));
            if (!pushed.IsCompletedSuccessfully) return RestAsync(pushed, chunk, i + 1);
        }
        EndOf(chunk);
        return default;
    }

    private async ValueTask RestAsync(ValueTask pushed, Chunk<TIn, TOut> chunk, int at)
    {
        while (true)
        {
            next.Flush();
            await pushed;
            if (at == chunk.Outputs.Count) break;
            pushed = next.PushAsync(chunk.Outputs[at], chunk.Outputs.TicketOf(at));
            at++;
        }
        EndOf(chunk);
    }

    private void EndOf(Chunk<TIn, TOut> chunk)
    {
        if (chunk.IsDone)
        {
            if (chunk.Failure is { } failure) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
            bool halfEmpty = board.Remove(chunk);
            Interlocked.MemoryBarrier();
            if (halfEmpty) roomForInput.Wake();
            StartLanes();
            return;
        }
        chunk.Outputs.Clear();
        chunk.Overflow?.Wake();
    }

    /// <summary>Lanes that rest although there is work, because so much was held, may go on.</summary>
    private void StartLanes()
    {
        foreach (Lane<TIn, TOut> lane in lanes)
        {
            if (!board.HasWork) return;
            lane.TryStart();
        }
    }

    /// <returns>Whether there is nothing to do.</returns>
    private bool StartWaiting()
    {
        Waiter.Arm();
        if ((board.TryPeek(out _) || (board.IsCompleted && board.IsEmpty) || Run.IsStopping) && Waiter.Disarm())
        {
            Run.ThrowIfStopping();
            return false;
        }
        IsWaiting = true;
        return true;
    }

    /// <summary>Nothing is left running: lanes of a run that stops end on their own, and wake this pump when they do.</summary>
    private async ValueTask LanesRestAsync()
    {
        while (Array.Exists(lanes, lane => lane.IsWorking))
        {
            Waiter.Arm();
            if (!Array.Exists(lanes, lane => lane.IsWorking) && Waiter.Disarm()) return;
            await Waiter.WaitAsync();
        }
    }
}
