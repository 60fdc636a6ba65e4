using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A stage that remembers something, in a run of a consecutor: has an instance for each partition, and hands each item to that of its partition.</summary>
/// <remarks>
/// Calls do not overlap, as those to any inlet, so the instances share the context with its counters. Instances that also act by themselves share a gate.
/// An item that an instance only holds, or has become part of something else, counts as ended; so this holds each item until the instance has done with it, and what comes out of it has
/// a ticket of its own by then. Else a partition could seem to be at rest in between.
/// </remarks>
internal sealed class PartitionedStage<TIn, TOut> : Inlet<TIn>, IUpstream, IStatefulStage
{
    private readonly StageContext context;
    private readonly Inlet<TOut> next;
    private readonly Func<StageContext, Inlet<TOut>, Inlet<TIn>> make;
    private readonly int number;

    /// <param name="following">The run's.</param>
    /// <param name="context">Shared by all instances.</param>
    /// <param name="next">What takes what comes out.</param>
    /// <param name="make">Makes an instance.</param>
    public PartitionedStage(ItemTracking following, StageContext context, Inlet<TOut> next, Func<StageContext, Inlet<TOut>, Inlet<TIn>> make)
    {
        (this.context, this.next, this.make, Node) = (context, next, make, context.Node);
        context.Gate = new Gate(context.Run.Scheduler);
        next.Attach(this);
        number = following.Add(this, next);
        StateName = context.Run.NameOf(Node);
    }

    public string StateName { get; }

    public override bool HandsOn => next.HandsOn;

    public object MakeInstance(StateScope scope)
    {
        context.Scope = scope;                       // for the constructors of stages
        return make(context, new StateOutlet<TOut>(next, scope) { Emitter = Node });
    }

    public async ValueTask<bool> EndAsync(object instance, StateScope scope, IReadOnlyList<string> keys, Ticket hold)
    {
        await ((Inlet<TIn>)instance).CompleteAsync();            // ends at the outlet, and reaches no other stage
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

    public override void Flush() => next.Flush();

    public void Stop() => Upstream?.Stop();

    /// <summary>The run ends, and what the instances remember is in the store: they put nothing out.</summary>
    protected override ValueTask OnCompleteAsync() => next.CompleteAsync();

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

/// <summary>Where an instance puts things out. What is no part of an item becomes one of its own here.</summary>
internal sealed class StateOutlet<T> : Inlet<T>
{
    private readonly Inlet<T> next;
    private readonly StateScope scope;

    public StateOutlet(Inlet<T> next, StateScope scope) => (this.next, this.scope, Node) = (next, scope, next.Node);

    public int Emitter { get; init; }

    public override bool HandsOn => next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket) => next.PushAsync(item, ticket ?? scope.Emit(Emitter, item));

    public override void Flush() => next.Flush();

    /// <summary>The stage that the instance belongs to is attached, once.</summary>
    public override void Attach(IUpstream upstream) { }

    public override void ComesFrom(int from) { }

    protected override ValueTask OnCompleteAsync() => default;
}
