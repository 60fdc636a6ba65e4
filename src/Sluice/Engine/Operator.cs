using Sluice.Topologies;

namespace Sluice.Engine;

/// <summary>The definition of a stage with one input and one output: its kind, its function, and the factory of its instances.</summary>
/// <remarks>Immutable; one operator makes the instances of many runs and lanes.</remarks>
internal abstract class Operator<TIn, TOut>
{
    /// <summary>The kind of the node: "map", "filter", "sink". Names of unnamed nodes and pictures contain it.</summary>
    public abstract string Kind { get; }

    /// <summary>The user's function; the node is named after it.</summary>
    public virtual Delegate? Function => null;

    /// <summary>The name of a node without a function.</summary>
    public virtual string? Hint => null;

    /// <summary>The reason why it can neither run in several lanes nor be retried: it remembers earlier items. Null if it can.</summary>
    public virtual string? Stateful => null;

    /// <summary>The reason why only one instance may exist, even by key: it owns something outside. Null if several may.</summary>
    public virtual string? Exclusive => null;

    /// <summary>Whether the user gave one instance, and no factory that makes more.</summary>
    public virtual bool IsOneInstance => false;

    /// <summary>
    /// Whether it counts on what it has seen in its own run: in a consecutor, no item in the other run of the pipeline may be beside it.
    /// </summary>
    public virtual bool CountsOnOneRun => false;

    /// <summary>
    /// Whether it has an instance for each key behind a KeyBy; otherwise one for each lane. A node class has one for each lane and keeps
    /// state by key itself.
    /// </summary>
    public virtual bool IsByKey => Stateful is not null && Exclusive is null;

    /// <summary>Whether an attempt that exceeds its timeout may be abandoned: a function may, a node with state may not.</summary>
    public virtual bool CanBeAbandoned => true;

    /// <summary>Whether its user code is asynchronous, and so can have a timeout.</summary>
    public virtual bool IsAsynchronous => false;

    /// <summary>
    /// Whether it may start with an item while an earlier item is still in the stage in front and may fail there. True for a function of
    /// the item, whose output is then withheld; false for a function with effects outside.
    /// </summary>
    public virtual bool MayRunAhead => false;

    /// <summary>Whether it needs the root item that it works for.</summary>
    public virtual bool NeedsTickets => false;

    /// <summary>Whether items end here: in a sink, or in an operator that holds or combines them, whose outputs are new roots.</summary>
    public virtual bool EndsItems => typeof(TOut) == typeof(Unit);

    /// <summary>
    /// Whether failures further down may be thrown through it, because it has nothing left to do for the item then. Other operators get a
    /// <see cref="FailureBoundary{T}"/> behind them in runs that continue after failures.
    /// </summary>
    public virtual bool LetsFailuresThrough => false;

    /// <summary>Whether its instances are <see cref="IStateful"/>; a consecutor then has one for each partition.</summary>
    public virtual bool Remembers => false;

    /// <summary>Whether it keeps state in a consecutor, under its name.</summary>
    public virtual bool KeepsState => Remembers;

    /// <summary>The shape of its stored state; called only where it keeps state.</summary>
    public virtual StateShape Shape => new(Kind, null, 0);

    /// <summary>The reason why a consecutor refuses it: it would lose items or state in a crash. Null if it is allowed.</summary>
    public virtual string? Forgets => KeepsState ? null : Stateful ?? (EndsItems && typeof(TOut) != typeof(Unit) ? "holds items" : null);

    /// <summary>
    /// The reason why a producer that resumes in the middle of its input would get other outputs: it remembers earlier items.
    /// Null for a function of each item, for a stage that depends on when items arrive, and for one that ends the stream.
    /// </summary>
    public virtual string? StartsAnew => Stateful ?? (EndsItems && typeof(TOut) != typeof(Unit) ? "holds items" : null);

    /// <summary>Checks what only a consecutor needs; called only where it keeps state.</summary>
    /// <exception cref="InvalidTopologyException">A commit could not hold what one item changes.</exception>
    public virtual void CheckStored() { }

    /// <summary>The named output that it writes to; null if none.</summary>
    public virtual string? OutputName => null;

    /// <summary>Lists the named outputs of a node class; null for other operators.</summary>
    public virtual IHasOutputs? NodeOutputs => null;

    /// <summary>Fuses with the stage behind it if one inlet can do the work of both; otherwise null. Called while a run is built.</summary>
    public virtual Inlet<TIn>? TryFuse(int node, Inlet<TOut> next) => null;

    /// <summary>Whether it puts items out when time has passed, not only while its input pushes.</summary>
    public virtual bool IsTimed => false;

    /// <summary>Whether its instances count the time in which they can get items; then the lanes by key of a timed operator share
    /// <see cref="LaneWaits"/>.</summary>
    public virtual bool CountsOpenTime => false;

    /// <summary>
    /// The operator to use behind a KeyBy in a consecutor, with state for each key; null if there is none, and then a consecutor refuses
    /// operators with a memory.
    /// </summary>
    /// <exception cref="InvalidTopologyException">The state of a key would need more than one row.</exception>
    public virtual Operator<TIn, TOut>? StoredByKey => null;

    /// <summary>Whether it is a node class that sets timers.</summary>
    public virtual bool HasTimers => false;

    public abstract Inlet<TIn> Create(StageContext context, Inlet<TOut> next);
}
