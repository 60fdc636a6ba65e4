using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice;

/// <summary>A typed part of a pipeline with an open output: items of type <typeparamref name="T"/> come out. Extend it with <c>|</c>, or
/// with a method for each operator, until a sink makes it a <see cref="Pipeline"/>.</summary>
/// <remarks>Immutable and thread-safe. Use it any number of times; every use is a run of its own. Made by <see cref="Source"/>.</remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public abstract partial class Source<T>
{
    private protected Source() { }

    /// <summary>The topology of the source and the stages behind it: walk it, search it, draw it.</summary>
    /// <exception cref="InvalidTopologyException">Two nodes have the same name.</exception>
    public Topology Topology => Drawing.Of(builder => Drawn.Build(builder, new DrawnInlet<T>(-1)));

    /// <summary>Returns the definition on one line: <c>source-1 | Twice</c>. If brackets cannot express the graph, the text is the one of
    /// <see cref="Topology.ToText"/>.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(T));

    /// <summary>The part that can be drawn: an annotation for a stage that is still missing is left out.</summary>
    internal virtual Source<T> Drawn => this;

    /// <summary>Whether items come out that were not pushed directly from the open end: they crossed from one thread to another, in a run
    /// with several threads, or a timer or another source pushed them. Such a source needs a fan-in if it shares an inlet.</summary>
    internal abstract bool CrossesThreads { get; }

    /// <summary>Whether items may come out in the order in which they are ready.</summary>
    internal virtual bool IsUnordered => false;

    /// <summary>Builds all stages from <paramref name="next"/> back to the sources.</summary>
    internal abstract void Build(RunBuilder builder, Inlet<T> next);

    /// <summary>Whether items come out of lanes in which a stage with these options can work too.</summary>
    internal virtual bool HasLanesFor(StageOptions options) => false;

    /// <summary>The options of the lanes out of which items come; null if there are none, or if a boundary stands behind them.</summary>
    internal virtual StageOptions? LaneOptions => null;

    /// <summary>Builds this stage as a part of lanes, and all stages before it. Only where <see cref="HasLanesFor"/> is true, or with its
    /// own <see cref="LaneOptions"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="lanes">The options that the stages of the lanes share.</param>
    /// <param name="last">The number of the last stage of the lanes.</param>
    /// <param name="next">The inlet behind the lanes.</param>
    /// <param name="rest">Builds the later part of a lane, in front of its outlet.</param>
    internal virtual void BuildInLanes<TLast>(
        RunBuilder builder, StageOptions lanes, int last, Inlet<TLast> next, Func<Inlet<TLast>, Inlet<T>> rest)
            => throw new NotSupportedException();

    /// <summary>Returns a copy with the changes of the rewriter.</summary>
    internal abstract Source<T> Rewrite(Rewriter rewriter);

    /// <summary>Returns a copy with its last stage annotated.</summary>
    internal virtual Source<T> Annotate(StagePolicy policy)
        => throw new InvalidOperationException($"{policy} annotates the stage before it, and there is none: {Cannot}.");

    /// <summary>Describes the last part, for the message of <see cref="Annotate"/>.</summary>
    private protected virtual string Cannot => "this is where a pipe begins";

    /// <summary>Adds a stage.</summary>
    internal Source<TOut> Then<TOut>(Operator<T, TOut> stage) => new StageSource<T, TOut>(this, stage, StageOptions.Default);

    /// <summary>Adds a pipe.</summary>
    internal Source<TOut> Then<TOut>(Pipe<T, TOut> pipe)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        return pipe.After(this);
    }
}
