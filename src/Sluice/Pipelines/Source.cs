namespace Sluice;

/// <summary>
/// A typed piece of a pipeline with one open end, out of which items of type <typeparamref name="T"/> come. Goes on with
/// <c>|</c>, or with a method for each operator, until a sink makes it a <see cref="Pipeline"/>.
/// </summary>
/// <remarks>
/// A value: immutable, safe for use by several threads, and usable any number of times; every use is a run of its own.
/// Made by <see cref="Source"/>.
/// </remarks>
/// <typeparam name="T">The type of its items.</typeparam>
public abstract partial class Source<T>
{
    private protected Source() { }

    /// <summary>The source and the stages behind it as a graph, without what they will be joined to: to be walked, searched and drawn.</summary>
    /// <exception cref="InvalidTopologyException">A name was given twice.</exception>
    public Topology Topology => Drawing.Of(builder => Drawn.Build(builder, new DrawnInlet<T>(-1)));

    /// <summary>The definition on one line: <c>source-1 | Twice</c>. A graph that brackets cannot express is drawn as <see cref="Topology.ToText"/> draws it.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(T));

    /// <summary>What there is to be drawn: less than everything where the last part is about a stage that is still to come.</summary>
    internal virtual Source<T> Drawn => this;

    /// <summary>
    /// Whether items come out of it that do not come straight from its open end: they have crossed from one thread to
    /// another, in a run that has several, or a timer or another source has pushed them. Who shares an inlet with it needs a fan-in.
    /// </summary>
    internal abstract bool CrossesThreads { get; }

    /// <summary>Whether somebody has asked for items that come out as they are ready, whatever their order.</summary>
    internal virtual bool IsUnordered => false;

    /// <summary>Makes everything up to <paramref name="next"/>, from there up to the sources.</summary>
    internal abstract void Build(RunBuilder builder, Inlet<T> next);

    /// <summary>Whether what comes out of it comes out of lanes that a stage with these options may work in as well.</summary>
    internal virtual bool HasLanesFor(StageOptions options) => false;

    /// <summary>Makes everything up to lanes whose later part is given, this stage being a part of them: where <see cref="HasLanesFor"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="lanes">What the stages of the lanes have in common.</param>
    /// <param name="last">The last stage of the lanes.</param>
    /// <param name="next">What takes the items behind the lanes.</param>
    /// <param name="rest">Makes the later part of a lane, in front of its outlet.</param>
    internal virtual void BuildInLanes<TLast>(
        RunBuilder builder, StageOptions lanes, int last, Inlet<TLast> next, Func<Inlet<TLast>, Inlet<T>> rest) => throw new NotSupportedException();

    /// <summary>The same with some part replaced.</summary>
    internal abstract Source<T> Rewrite(Rewriter rewriter);

    /// <summary>The same with its last stage annotated.</summary>
    internal virtual Source<T> Annotate(StagePolicy annotation)
        => throw new InvalidOperationException($"{annotation} annotates the stage before it, and there is none: {Cannot}.");

    /// <summary>What stands here, for <see cref="Annotate"/>'s message.</summary>
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
