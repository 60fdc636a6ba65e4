namespace Sluice;

/// <summary>
/// A typed piece of a pipeline with two open ends: items of type <typeparamref name="TIn"/> go in, items of type
/// <typeparamref name="TOut"/> come out. Begins with <see cref="Pipe.Of{T}"/>; takes everything on its right that a
/// source takes.
/// </summary>
/// <remarks>A value: immutable, safe for use by several threads, usable any number of times.</remarks>
/// <typeparam name="TIn">The type of what goes in.</typeparam>
/// <typeparam name="TOut">The type of what comes out.</typeparam>
public sealed partial class Pipe<TIn, TOut> : BranchOrRouter<TIn, TOut>
{
    private readonly OpenSource<TIn> open;
    private readonly Source<TOut> tail;

    internal Pipe(OpenSource<TIn> open, Source<TOut> tail) => (this.open, this.tail) = (open, tail);

    /// <summary>The pipe as a graph, without what it will be joined to.</summary>
    /// <exception cref="InvalidTopologyException">A name was given twice.</exception>
    public Topology Topology => Drawing.Of(builder => new Pipe<TIn, TOut>(open, tail.Drawn).BuildInlet(builder, new DrawnInlet<TOut>(-1)));

    /// <summary>The definition on one line: <c>Twice | Half</c>. A graph that brackets cannot express is drawn as <see cref="Topology.ToText"/> draws it.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(TIn));

    /// <summary>The name of the stage at which items go in: a given one, or that of its function or class. Null where there is no such stage, or none with a name.</summary>
    internal string? FirstName
    {
        get
        {
            int first = -1;
            TopologyRecorder recorder = RunBuilder.Draw(new Drawing(builder => first = new Pipe<TIn, TOut>(open, tail.Drawn).BuildInlet(builder, new DrawnInlet<TOut>(-1)).Node));
            if (first < 0) return null;
            NodeRecord node = recorder[first];
            return node.Options.Name ?? node.Hint ?? (node.Function is null ? null : TopologyBuilder.NameOf(node.Function));
        }
    }

    internal bool CrossesThreads => tail.CrossesThreads;

    internal bool IsUnordered => tail.IsUnordered;

    /// <summary>A pipe of one stage.</summary>
    internal static Pipe<TIn, TOut> Of(Operator<TIn, TOut> stage)
    {
        var open = new OpenSource<TIn>();
        return new(open, open.Then(stage));
    }

    /// <summary>A pipe out of what happens to a source.</summary>
    internal static Pipe<TIn, TOut> Of(Func<Source<TIn>, Source<TOut>> branch)
    {
        ArgumentNullException.ThrowIfNull(branch);
        var open = new OpenSource<TIn>();
        return new(open, branch(open) ?? throw new InvalidOperationException("The branch returned null instead of a source."));
    }

    /// <summary>The pipe behind a source.</summary>
    internal Source<TOut> After(Source<TIn> source) => tail.Rewrite(new Joiner(open, source));

    /// <summary>Goes on.</summary>
    internal Pipe<TIn, TNext> Then<TNext>(Func<Source<TOut>, Source<TNext>> next) => new(open, next(tail));

    internal Pipe<TIn, TNext> Then<TNext>(Operator<TOut, TNext> stage) => new(open, tail.Then(stage));

    /// <summary>Ends.</summary>
    internal Sink<TIn> Then(Func<Source<TOut>, Pipeline> next) => new(new Pipe<TIn, Unit>(open, next(tail).Tail));

    internal Pipe<TIn, TOut> Annotate(StagePolicy annotation) => new(open, tail.Annotate(annotation));

    internal Pipe<TIn, TOut> Rewrite(Rewriter rewriter)
    {
        if (!Sharing.IsUsed || !rewriter.TakesApart) return new(open, tail.Rewrite(rewriter));
        Pipe<TIn, TOut> own = Own(out Dictionary<object, int>? shared);
        rewriter.Expect(shared);
        return new(own.open, own.tail.Rewrite(rewriter));
    }

    /// <summary>Makes the pipe in front of <paramref name="next"/>, and returns where its items go in.</summary>
    internal Inlet<TIn> BuildInlet(RunBuilder builder, Inlet<TOut> next)
    {
        Pipe<TIn, TOut> own = this;
        if (Sharing.IsUsed)
        {
            own = Own(out Dictionary<object, int>? shared);
            if (shared is not null) builder.Uses.Expect(shared);
        }
        own.tail.Build(builder, next);
        return builder.TakeOpen<TIn>(own.open);
    }

    /// <summary>The same pipe, with sources of its own for those that it shares inside: a pipe that is used twice is there twice.</summary>
    /// <param name="shared">The sources that are shared inside, and how many users each has; null if there are none.</param>
    private Pipe<TIn, TOut> Own(out Dictionary<object, int>? shared)
    {
        shared = null;
        var begin = new OpenSource<TIn>();
        var own = new Pipe<TIn, TOut>(begin, tail.Rewrite(new Joiner(open, begin)));
        foreach (var (source, users) in SharedFinder.In(own.tail))
            if (OpenFinder.Finds(begin, (ISharedSource)source)) (shared ??= new(ReferenceEqualityComparer.Instance)).Add(source, users);
        return shared is null ? this : own;
    }
}
