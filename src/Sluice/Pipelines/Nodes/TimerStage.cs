using Sluice.Scheduling;

namespace Sluice.Pipelines;

/// <summary>Stands before a <see cref="TimedStageNode{TIn, TOut, TState}"/>: hands it its items, and fires its timers in between.</summary>
/// <remarks>Everything behind it runs inside its gate. It counts nothing: the node does.</remarks>
internal sealed class TimerStage<TIn, TOut, TState> : TimedStage<TIn, TIn>
{
    private readonly StatefulStage<TIn, TOut, TState> stage;
    private readonly TimedStageNode<TIn, TOut, TState> node;
    private TimeSpan? set;

    public TimerStage(StageContext context, StatefulStage<TIn, TOut, TState> stage, TimedStageNode<TIn, TOut, TState> node)
        : base(new StageContext(context.Run, context.Node), stage)
    {
        (this.stage, this.node) = (stage, node);
        Timers = new(() => Now);
    }

    public KeyTimers Timers { get; }

    protected override ValueTask OnItemAsync(TIn item, Ticket? ticket)
    {
        if (Timers.NextAt <= Now) return FireAndPushAsync(item, ticket);
        ValueTask pushed = Next.PushAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return PushedAsync(pushed);
        Arm();
        return default;
    }

    protected override async ValueTask OnTickAsync()
    {
        set = null;
        await FireAsync();
        Arm();
    }

    private async ValueTask FireAndPushAsync(TIn item, Ticket? ticket)
    {
        await FireAsync();
        await Next.PushAsync(item, ticket);
        Arm();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PushedAsync(ValueTask pushed)
    {
        await pushed;
        Arm();
    }

    /// <summary>All that are due.</summary>
    private async ValueTask FireAsync()
    {
        const int TimersPerTurn = 1024;
        long before = Timers.Count;
        for (int fired = 1; Timers.TryTake(Now, before, out var timer); fired++)
        {
            Context.Run.ThrowIfStopping();
            await stage.FireAsync(timer.Key, $"the timer '{timer.Name}' of the key '{timer.Key}'",
                (output, cancellation) => node.OnTimer(timer.Name, output, cancellation));
            if (fired % TimersPerTurn == 0) await new Waiter(Context.Run.Scheduler).YieldAsync();
        }
    }

    /// <summary>The timer is not moved for every item: one that goes off early is set again.</summary>
    private void Arm()
    {
        if (Timers.NextAt is not { } at)
        {
            if (set is not null) StopTimer();
            set = null;
            return;
        }
        if (set <= at) return;
        set = at;
        SetTimer(at - Now);
    }
}
