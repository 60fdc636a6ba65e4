namespace Sluice;

/// <summary>What a stage with one input and one output is: its kind, its function, and how an instance of it is made.</summary>
/// <remarks>Immutable; one operator makes the instances of many runs and lanes.</remarks>
internal abstract class Operator<TIn, TOut>
{
    /// <summary>"map", "filter", "sink": part of the names of unnamed nodes, and of pictures.</summary>
    public abstract string Kind { get; }

    /// <summary>The user's function, for its name.</summary>
    public virtual Delegate? Function => null;

    /// <summary>A name where there is no function.</summary>
    public virtual string? Hint => null;

    /// <summary>Why it cannot run in several lanes or be retried, if it cannot: it has a memory of what went by.</summary>
    public virtual string? Stateful => null;

    /// <summary>Why there can be one instance of it only, even by key, if that is so: it owns something outside.</summary>
    public virtual string? Exclusive => null;

    /// <summary>Whether it has an instance for each key behind a KeyBy; otherwise one for each lane. A node has one for each lane, and keeps state by key itself.</summary>
    public virtual bool IsByKey => Stateful is not null && Exclusive is null;

    /// <summary>Whether an attempt that does not end in time can be left behind: a function can, a node with state cannot.</summary>
    public virtual bool CanBeAbandoned => true;

    /// <summary>Whether user code is asynchronous, and so can be timed out.</summary>
    public virtual bool IsAsynchronous => false;

    /// <summary>
    /// Whether it may be given an item while one before it has not come out of the stage in front, and may yet fail there: a
    /// function of the item can, because what it puts out is not let through then. What acts on the world cannot.
    /// </summary>
    public virtual bool MayRunAhead => false;

    /// <summary>Whether it asks which root item it is working for.</summary>
    public virtual bool NeedsTickets => false;

    /// <summary>Whether items end here: in a sink, or in an operator that holds or combines them, whose outputs are new roots.</summary>
    public virtual bool EndsItems => typeof(TOut) == typeof(Unit);

    /// <summary>
    /// Whether a failure further down may be thrown through it: it has nothing left to do for the item then. Others get an
    /// <see cref="FailureBoundary{T}"/> behind them where a run goes on after failures.
    /// </summary>
    public virtual bool LetsFailuresThrough => false;

    /// <summary>Whether its instances are <see cref="IStateful"/>: then it has one for each partition in a consecutor.</summary>
    public virtual bool Remembers => false;

    /// <summary>Whether it keeps state in a consecutor, under its name.</summary>
    public virtual bool KeepsState => Remembers;

    /// <summary>What it remembers; asked only where it keeps state.</summary>
    public virtual StateShape Shape => new(Kind, null, 0);

    /// <summary>Why it must not stand in a run that another one goes on from, after a crash: it would have forgotten something.</summary>
    public virtual string? Forgets => KeepsState ? null : Stateful ?? (EndsItems && typeof(TOut) != typeof(Unit) ? "holds items" : null);

    /// <summary>
    /// Why it would put out other items if it began in the middle of its input: it remembers items that went by. A producer that resumes begins there. Null for a function of each
    /// item, for a stage that depends on the moments at which items come, and for one that ends the stream.
    /// </summary>
    public virtual string? StartsAnew => Stateful ?? (EndsItems && typeof(TOut) != typeof(Unit) ? "holds items" : null);

    /// <summary>The named output that it leads to, if it does.</summary>
    public virtual string? OutputName => null;

    /// <summary>What tells the named outputs of a node; null for other stages.</summary>
    public virtual IHasOutputs? NodeOutputs => null;

    /// <summary>Joins the stage behind it, where that can do the work of both; null otherwise. Called while a run is built.</summary>
    public virtual Inlet<TIn>? TryFuse(int node, Inlet<TOut> next) => null;

    /// <summary>Whether it puts items out by itself, when time has passed: not only while its input pushes.</summary>
    public virtual bool IsTimed => false;

    /// <summary>
    /// The same behind a KeyBy in a consecutor, with a state for each key; null if there is none: then it is refused there, where it has a memory. Asked only there.
    /// </summary>
    /// <exception cref="InvalidTopologyException">It would be more than a row for each key.</exception>
    public virtual Operator<TIn, TOut>? StoredByKey => null;

    /// <summary>Whether it is a node that sets timers.</summary>
    public virtual bool HasTimers => false;

    public abstract Inlet<TIn> Create(StageContext context, Inlet<TOut> next);
}
