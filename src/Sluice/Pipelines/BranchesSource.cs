namespace Sluice;

/// <summary>How the items of a stage with branches are handed to them.</summary>
internal abstract class FanOutOperator<T>
{
    public abstract string Kind { get; }

    public virtual Delegate? Function => null;

    /// <summary>Whether it does no more than to give every item to all branches: then it is no node of its own in a picture, unless it is annotated.</summary>
    public virtual bool IsOnlyEdges => false;

    /// <summary>Whether a function of the user's chooses the branch: it may fail at an item, and an <see cref="ErrorPolicy"/> says what happens then.</summary>
    public virtual bool Chooses => false;

    /// <summary>Whether an item goes to one branch only, so that a failure of the branch may be thrown through it.</summary>
    public virtual bool LetsFailuresThrough => false;

    /// <summary>Why items would go to other branches if it began in the middle of its input; null if they would not.</summary>
    public virtual string? StartsAnew => null;

    public abstract FanOut<T> Create(StageContext context, Inlet<T>[] branches);
}

/// <summary>A source, a stage with branches behind it, and the merge of what comes out of them. Sinks merge into nothing.</summary>
internal sealed class BranchesSource<T, TOut>(
    Source<T> upstream, FanOutOperator<T> fanOut, (string? Name, Pipe<T, TOut> Pipe)[] branches, StageOptions options) : Source<TOut>
{
    internal override bool CrossesThreads => options.CrossesThreads || upstream.CrossesThreads || Array.Exists(branches, branch => branch.Pipe.CrossesThreads);

    internal override bool IsUnordered => upstream.IsUnordered || Array.Exists(branches, branch => branch.Pipe.IsUnordered);

    internal override Source<TOut> Annotate(StagePolicy annotation)
    {
        // Behind sinks there is one thing an annotation can be about; behind a merge, what comes out of it.
        StageOptions annotated = annotation.Apply(options, new StageTraits(fanOut.Kind, "has branches", false, typeof(TOut) == typeof(Unit)));
        if (annotated.Bisects || (annotated.OnError != ErrorPolicy.Stop && !fanOut.Chooses) || annotated.Log is not null)
            throw new InvalidOperationException($"{annotation} does not fit here: a {fanOut.Kind} is not a function. Annotate the stages of the branches.");
        return new BranchesSource<T, TOut>(upstream, fanOut, branches, annotated);
    }

    internal override Source<TOut> Rewrite(Rewriter rewriter)
    {
        var rewritten = new (string?, Pipe<T, TOut>)[branches.Length];
        for (int i = branches.Length - 1; i >= 0; i--) rewritten[i] = (branches[i].Name, branches[i].Pipe.Rewrite(rewriter));
        if (rewriter.Visit()) throw rewriter.CannotReplace(fanOut.Kind);
        return new BranchesSource<T, TOut>(upstream.Rewrite(rewriter), fanOut, rewritten, options);
    }

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity);

        // Fused branches run on one thread and share what follows. Where one has a boundary, the merge is one as well.
        // In single-thread mode it is a gate: a stage with a clock puts items out while another branch may be in what follows.
        FanIn? merge = null;
        if (next is not Terminal && branches.Length > 1 && Array.Exists(branches, branch => branch.Pipe.CrossesThreads))
            merge = new FanIn(builder, next.Node);
        next = builder.Isolated(next);
        next.ShareAmong(branches.Length);

        // Backwards, as everything is built: so the picture and the pumps come out in the order written.
        var outlets = new Inlet<TOut>[branches.Length];
        for (int i = 0; i < branches.Length; i++) outlets[i] = merge?.AddInput(next) ?? next;
        var inlets = new Inlet<T>[branches.Length];
        for (int i = branches.Length - 1; i >= 0; i--) inlets[i] = branches[i].Pipe.BuildInlet(builder, outlets[i]);

        int node = builder.AddNode(
            new NodeRecord(fanOut.Kind, options, fanOut.Function, null, typeof(T), typeof(T), fanOut.IsOnlyEdges && options == StageOptions.Default) { StartsAnew = fanOut.StartsAnew });
        for (int i = inlets.Length - 1; i >= 0; i--)
        {
            builder.NamePort(branches[i].Name);
            builder.Connect(node, inlets[i]);
        }
        if (builder.IsDrawing)
        {
            upstream.Build(builder, new DrawnInlet<T>(node));
            return;
        }
        if (!fanOut.LetsFailuresThrough) inlets = Array.ConvertAll(inlets, builder.Isolated);
        StageContext context = builder.Context(node);
        context.OnError = options.OnError;
        Inlet<T> inlet = fanOut.Create(context, inlets);
        builder.Enter(node, inlet);
        upstream.Build(builder, inlet);
    }
}
