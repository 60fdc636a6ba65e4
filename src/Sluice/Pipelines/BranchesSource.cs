using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>Distributes the items of a stage among its branches: to all of them, by a function, or in turn.</summary>
internal abstract class FanOutOperator<T>
{
    public abstract string Kind { get; }

    public virtual Delegate? Function => null;

    /// <summary>Whether every item goes to all branches. A topology then shows edges instead of a node, unless the stage is
    /// annotated.</summary>
    public virtual bool IsOnlyEdges => false;

    /// <summary>Whether a user's function chooses the branch. The function can fail at an item, and an <see cref="ErrorPolicy"/> then
    /// applies.</summary>
    public virtual bool Chooses => false;

    /// <summary>Whether an item goes to one branch only. A failure of that branch may then be thrown through this stage.</summary>
    public virtual bool LetsFailuresThrough => false;

    /// <summary>Why a run that starts in the middle of its input would choose other branches; null if it would choose the same
    /// ones.</summary>
    public virtual string? StartsAnew => null;

    public abstract FanOut<T> Create(StageContext context, Inlet<T>[] branches);
}

/// <summary>A source, a stage with branches behind it, and the merge of the items that come out of the branches. Branches that end in sinks
/// merge into nothing.</summary>
internal sealed class BranchesSource<T, TOut>(
    Source<T> upstream, FanOutOperator<T> fanOut, (string? Name, Pipe<T, TOut> Pipe)[] branches, StageOptions options) : Source<TOut>
{
    internal override bool CrossesThreads => options.CrossesThreads || upstream.CrossesThreads
        || Array.Exists(branches, branch => branch.Pipe.CrossesThreads);

    internal override bool IsUnordered => upstream.IsUnordered || Array.Exists(branches, branch => branch.Pipe.IsUnordered);

    internal override Source<TOut> Annotate(StagePolicy policy)
    {
        // Behind sinks, an annotation can only concern the choice of branch; behind a merge, it concerns the merged items.
        StageOptions annotated = policy.Apply(options,
            new StageTraits(fanOut.Kind, "has branches", false, typeof(TOut) == typeof(Unit)));
        if (annotated.Bisects || (annotated.OnError != ErrorPolicy.Stop && !fanOut.Chooses) || annotated.Log is not null)
            throw new InvalidOperationException(
                $"{policy} does not fit here: a {fanOut.Kind} is not a function. Annotate the stages of the branches.");
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

        // Fused branches run on one thread and share the next stage. If a branch crosses threads, the merge is a boundary too. In
        // single-thread mode it is a gate: a stage with a clock puts items out while another branch is in the next stage.
        FanIn? merge = null;
        if (next is not Terminal && branches.Length > 1 && Array.Exists(branches, branch => branch.Pipe.CrossesThreads))
            merge = new FanIn(builder, next.Node);
        next = builder.Isolated(next);
        next.ShareAmong(branches.Length);

        // Built backwards, like every part of a run, so that nodes and pumps are numbered in the order written.
        var outlets = new Inlet<TOut>[branches.Length];
        for (int i = 0; i < branches.Length; i++) outlets[i] = merge?.AddInput(next) ?? next;
        var inlets = new Inlet<T>[branches.Length];
        for (int i = branches.Length - 1; i >= 0; i--) inlets[i] = branches[i].Pipe.BuildInlet(builder, outlets[i]);

        int node = builder.AddNode(
            new NodeRecord(fanOut.Kind, options, fanOut.Function, null, typeof(T), typeof(T), fanOut.IsOnlyEdges
                && options == StageOptions.Default)
            { StartsAnew = fanOut.StartsAnew });
        for (int i = inlets.Length - 1; i >= 0; i--)
        {
            builder.NamePort(branches[i].Name);
            builder.Connect(node, inlets[i]);
        }
        if (builder.IsDrawing)
        {
            upstream.Build(builder, builder.Drawn<T>(node));
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
