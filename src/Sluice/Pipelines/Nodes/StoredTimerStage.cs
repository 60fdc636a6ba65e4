using Sluice.Scheduling;

namespace Sluice.Pipelines;

/// <summary>Stands before a <see cref="TimedStageNode{TIn, TOut, TState}"/> in a consecutor: hands it its items, and fires the stored
/// timers of a partition between two epochs of it.</summary>
/// <remarks>Locking rule: all stages behind it run inside its gate, because epochs of several partitions run at the same time. It counts no
/// items: the node does.</remarks>
internal sealed class StoredTimerStage<TIn, TOut, TState> : PassThrough<TIn>, ITimerStage, ITimerEntrance
{
    private readonly StatefulStage<TIn, TOut, TState> stage;
    private readonly TimedStageNode<TIn, TOut, TState> node;
    private readonly Func<string, bool>? owns;
    private readonly Gate gate;
    private bool ended;

    public StoredTimerStage(StageContext context, StatefulStage<TIn, TOut, TState> stage, TimedStageNode<TIn, TOut, TState> node)
        : base(new StageContext(context.Run, context.Node), stage)
    {
        (this.stage, this.node, owns) = (stage, node, context.OwnsKey);
        gate = new(context.Run.Scheduler);
    }

    public bool Owns(string key) => owns is null || owns(key);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        ValueTask entered = gate.EnterAsync();
        bool mustWait = !entered.IsCompletedSuccessfully;
        await entered;
        try
        {
            if (mustWait) Context.Run.ThrowIfStopping();
            await Next.PushAsync(item, ticket);
        }
        finally
        {
            gate.Exit();
        }
    }

    public void Act(StoredTimers timers, TimerTurn turn, Ticket hold)
    {
        if (Context.Run.TryBegin()) Context.Run.Scheduler.Schedule(new Turn(this, timers, turn, hold));
    }

    public async ValueTask FireAsync(Ticket ticket, string key, string timer)
    {
        await gate.EnterAsync();
        try
        {
            await FireAsync(stage.CellsOf(ticket), key, timer, null, ticket);
        }
        finally
        {
            Next.Flush();
            gate.Exit();
        }
    }

    protected override async ValueTask OnCompleteAsync()
    {
        await gate.EnterAsync();
        ended = true;                                // a turn on its way finds the stage ended: its timers are in the store
        gate.Exit();
        await Next.CompleteAsync();
    }

    private ValueTask FireAsync(StateCells<TState> cells, string key, string timer, StateScope? scope, Ticket ticket)
        => stage.FireAsync(cells, key, $"the timer '{timer}' of the key '{key}'",
        (output, cancellation) => node.OnTimer(timer, output, cancellation), scope, ticket);

    private async Task RunAsync(StoredTimers timers, TimerTurn turn, Ticket hold)
    {
        Context.Run.Enter();
        await gate.EnterAsync();
        try
        {
            if (!ended) await FireAllAsync(timers, turn, hold);
        }
        catch (Exception e) when (turn.IsLostBy(e))
        {
            // The partition stands still, or the next owner fires the timers.
        }
        catch (Exception e)
        {
            Context.Run.Fail(e, Node);
        }
        finally
        {
            Next.Flush();
            gate.Exit();
        }
        hold.Settle(Outcome.Skipped);
        Context.Run.PumpEnded();
    }

    private async ValueTask FireAllAsync(StoredTimers timers, TimerTurn turn, Ticket hold)
    {
        List<(TimerMoment, string)> later = [];
        StateScope scope = hold.Touch();
        StateCells<TState> cells = stage.CellsOf(hold);
        while (!Context.Run.IsStopping && await timers.TakeAsync(turn, later) is { } next)
        {
            if (turn.Begin(Node, next.Key, next.Timer) is not { } ticket) continue;
            try
            {
                await FireAsync(cells, next.Key, next.Timer, scope, ticket);
            }
            catch (PipelineException e) when (e.IsKept)
            {
                // its ticket knows of it
            }
        }
        timers.EndTurn(later);
    }

    private sealed class Turn(StoredTimerStage<TIn, TOut, TState> stage, StoredTimers timers, TimerTurn turn, Ticket hold)
        : IThreadPoolWorkItem
    {
        public void Execute() => _ = stage.RunAsync(timers, turn, hold);
    }
}

/// <summary>The state of a timed node in one partition of a consecutor, with its timers: those of a key are in memory together with its
/// state.</summary>
internal sealed class TimedCells<TState> : StateCells<TState>, IHasTimers
{
    private readonly StoredTimers timers;

    public TimedCells(StatefulForm<TState> form, StateScope scope, ITimerStage stage) : base(form, scope.Memory)
        => (Scope, timers) = (scope, new(scope, stage));

    public StoredTimers Timers => timers;

    ITimerRows IHasTimers.Timers => timers;

    public override Cell? Find(string key)
    {
        Cell? cell = FindHere(key);
        return cell is not null && timers.IsHere(key) ? cell : null;
    }

    public override async ValueTask<Cell> ReadAsync(string key)
    {
        if (!timers.IsHere(key)) await timers.ReadAsync(key);
        return FindHere(key) ?? await ReadHereAsync(key);
    }

    public override void EndKey(string key) => timers.Remove(key);
}
