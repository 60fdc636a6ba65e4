using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// A stateful stage in a consecutor's run: it has an instance for each partition, and gives each item to the instance of its partition.
/// </summary>
/// <remarks>
/// Calls do not overlap, so the instances share the context and its counters; timed instances share a gate. An item that an instance
/// holds or combines counts as ended. So this stage holds one part of each item until the instance has returned; by then the outputs
/// have tickets of their own. Otherwise the partition could seem idle in between.
/// </remarks>
internal sealed class PartitionedStage<TIn, TOut> : Inlet<TIn>, IUpstream, IStatefulStage
{
    private readonly StageContext context;
    private readonly Inlet<TOut> outlet;
    private readonly Func<StageContext, Inlet<TOut>, Inlet<TIn>> make;
    private readonly int number;

    /// <param name="following">The run's item tracking.</param>
    /// <param name="context">The context, shared by all instances.</param>
    /// <param name="next">The inlet behind the stage, where stored outputs continue.</param>
    /// <param name="outlet">The inlet that takes the outputs of the instances: the next one, or what stands in front of it.</param>
    /// <param name="make">Makes an instance.</param>
    public PartitionedStage(ItemTracking following, StageContext context, Inlet<TOut> next, Inlet<TOut> outlet,
        Func<StageContext, Inlet<TOut>, Inlet<TIn>> make)
    {
        (this.context, this.outlet, this.make, Node) = (context, outlet, make, context.Node);
        context.Gate = new Gate(context.Run.Scheduler);
        outlet.Attach(this);
        number = following.Add(this, next);
        StateName = context.Run.NameOf(Node);
    }

    public string StateName { get; }

    public override bool HandsOn => outlet.HandsOn;

    public object MakeInstance(StateScope scope)
    {
        context.Scope = scope;                       // for the constructors of stages
        return make(context, new StateOutlet<TOut>(outlet, scope) { Emitter = Node });
    }

    public async ValueTask<bool> EndAsync(object instance, StateScope scope, string? key, Ticket hold)
    {
        try
        {
            await ((Inlet<TIn>)instance).CompleteAsync();        // the outlet does not pass the end on
        }
        finally
        {
            outlet.Flush();                          // no pump does it: this is none of its items
        }
        return Unwrapped(instance) is IEndsInSteps { HasMoreToEnd: true };
    }

    private static object Unwrapped(object instance) => instance is IWraps wraps ? Unwrapped(wraps.Inner) : instance;

    public override ValueTask PushAsync(TIn item, Ticket? ticket)
    {
        Ticket root = ticket ?? throw new InvalidOperationException($"An item without a ticket has come to {StateName}.");
        root.Add(1);
        ValueTask pushed;
        try
        {
            var instance = (Inlet<TIn>)root.Touch().Enter(number);
            pushed = instance.PushAsync(item, ticket);
        }
        catch
        {
            root.Settle(Outcome.Skipped);
            throw;
        }
        if (!pushed.IsCompletedSuccessfully) return HoldAsync(pushed, root);
        root.Settle(Outcome.Skipped);
        return default;
    }

    public override void Flush() => outlet.Flush();

    public void Stop() => Upstream?.Stop();

    /// <summary>Completes the next stage only. The instances put nothing out: their state is in the store.</summary>
    protected override ValueTask OnCompleteAsync() => outlet.CompleteAsync();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask HoldAsync(ValueTask pushed, Ticket root)
    {
        try
        {
            await pushed;
        }
        finally
        {
            root.Settle(Outcome.Skipped);
        }
    }
}

/// <summary>The outlet of an instance: it gives a ticket to each output that has none, as a separate item.</summary>
internal sealed class StateOutlet<T> : Inlet<T>
{
    private readonly Inlet<T> next;
    private readonly StateScope scope;

    public StateOutlet(Inlet<T> next, StateScope scope) => (this.next, this.scope, Node) = (next, scope, next.Node);

    public int Emitter { get; init; }

    public override bool HandsOn => next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
        => (ticket ?? scope.Emit(Emitter, item)) is { } own ? next.PushAsync(item, own) : default;

    public override void Flush() => next.Flush();

    /// <summary>Does nothing: the stage that owns the instances is attached once.</summary>
    public override void Attach(IUpstream upstream) { }

    public override void ComesFrom(int from) { }

    protected override ValueTask OnCompleteAsync() => default;
}
