using Sluice.Pipelines;
using Sluice.Topologies;

namespace Sluice;

/// <summary>A typed part of a pipeline with an open input and an open output: items of type <typeparamref name="TIn"/> go in, items of type
/// <typeparamref name="TOut"/> come out. Start with <see cref="Pipe.Of{T}"/>; everything that fits behind a source fits behind a
/// pipe.</summary>
/// <remarks>Immutable and thread-safe; use it any number of times.</remarks>
/// <typeparam name="TIn">The type of the items that go in.</typeparam>
/// <typeparam name="TOut">The type of the items that come out.</typeparam>
public sealed partial class Pipe<TIn, TOut> : BranchOrRouter<TIn, TOut>
{
    private readonly OpenSource<TIn> open;
    private readonly Source<TOut> tail;

    internal Pipe(OpenSource<TIn> open, Source<TOut> tail) => (this.open, this.tail) = (open, tail);

    /// <summary>The topology of the pipe's own stages.</summary>
    /// <exception cref="InvalidTopologyException">Two nodes have the same name.</exception>
    public Topology Topology => Drawing.Of(builder => new Pipe<TIn, TOut>(open, tail.Drawn).BuildInlet(builder, new DrawnInlet<TOut>(-1)));

    /// <summary>Returns the definition on one line: <c>Twice | Half</c>. If brackets cannot express the graph, the text is the one of
    /// <see cref="Topology.ToText"/>.</summary>
    public override string ToString() => Drawing.Text(() => Topology, typeof(TIn));

    /// <summary>The name of the first stage: its given name, or the name of its function or class. Null if the pipe has no first stage, or
    /// the stage has no name.</summary>
    internal string? FirstName
    {
        get
        {
            int first = -1;
            TopologyRecorder recorder = RunBuilder.Draw(
                new Drawing(builder => first = new Pipe<TIn, TOut>(open, tail.Drawn).BuildInlet(builder, new DrawnInlet<TOut>(-1)).Node));
            if (first < 0) return null;
            NodeRecord node = recorder[first];
            return node.Options.Name ?? node.Hint ?? (node.Function is null ? null : TopologyBuilder.NameOf(node.Function));
        }
    }

    internal bool CrossesThreads => tail.CrossesThreads;

    internal bool IsUnordered => tail.IsUnordered;

    /// <summary>Makes a pipe of one stage.</summary>
    internal static Pipe<TIn, TOut> Of(Operator<TIn, TOut> stage)
    {
        var open = new OpenSource<TIn>();
        return new(open, open.Then(stage));
    }

    /// <summary>Makes a pipe from a function that adds stages to a source.</summary>
    internal static Pipe<TIn, TOut> Of(Func<Source<TIn>, Source<TOut>> branch)
    {
        ArgumentNullException.ThrowIfNull(branch);
        var open = new OpenSource<TIn>();
        return new(open, branch(open) ?? throw new InvalidOperationException("The branch returned null instead of a source."));
    }

    /// <summary>Puts the stages of the pipe behind a source.</summary>
    internal Source<TOut> After(Source<TIn> source) => tail.Rewrite(new Joiner(open, source));

    /// <summary>Adds stages.</summary>
    internal Pipe<TIn, TNext> Then<TNext>(Func<Source<TOut>, Source<TNext>> next) => new(open, next(tail));

    internal Pipe<TIn, TNext> Then<TNext>(Operator<TOut, TNext> stage) => new(open, tail.Then(stage));

    /// <summary>Adds a sink.</summary>
    internal Sink<TIn> Then(Func<Source<TOut>, Pipeline> next) => new(new Pipe<TIn, Unit>(open, next(tail).Tail));

    internal Pipe<TIn, TOut> Annotate(StagePolicy policy) => new(open, tail.Annotate(policy));

    internal Pipe<TIn, TOut> Rewrite(Rewriter rewriter)
    {
        if (!Sharing.IsUsed || !rewriter.TakesApart) return new(open, tail.Rewrite(rewriter));
        Pipe<TIn, TOut> own = Own(out Dictionary<object, int>? shared);
        rewriter.Expect(shared);
        return new(own.open, own.tail.Rewrite(rewriter));
    }

    /// <summary>Builds the stages in front of <paramref name="next"/>, and returns the inlet of the first one.</summary>
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

    /// <summary>Copies the sources that are shared inside the pipe, so that each use of the pipe has sources of its own.</summary>
    /// <param name="shared">The shared sources, each with its number of users; null if there are none.</param>
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
