using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>A source with several branches behind it, and a join that makes one item of the outputs that the branches made of one
/// item.</summary>
/// <remarks>Stores no state: held outputs belong to items in flight, and a resumed run repeats those items as a whole.</remarks>
/// <param name="upstream">The source of the items.</param>
/// <param name="branches">The branches, at least one.</param>
/// <param name="join">Makes the item from the outputs of the branches.</param>
/// <param name="function">The user's join function, for its name.</param>
/// <param name="options">The options of the join.</param>
internal sealed class ForkJoinSource<T, TOut>(Source<T> upstream, ForkBranch<T>[] branches, Func<Fork<T>, TOut> join, Delegate function,
    StageOptions options) : Source<TOut>
{
    private const string Kind = "fork-join";

    internal override bool CrossesThreads => options.CrossesThreads || upstream.CrossesThreads || HasThreads;

    internal override bool IsUnordered => upstream.IsUnordered || Array.Exists(branches, branch => branch.IsUnordered);

    private bool HasThreads => Array.Exists(branches, branch => branch.CrossesThreads);

    internal override Source<TOut> Annotate(StagePolicy policy)
    {
        StageOptions annotated = policy.Apply(options,
            new StageTraits(Kind, "takes from several branches", IsAsynchronous: false, IsSink: false));
        if (annotated.HasPolicy || annotated.Log is not null)
            throw new InvalidOperationException(
                $"{policy} does not fit here: a {Kind} is not one function. Annotate the stages of the branches, or put what the join "
                    + $"does into a stage behind it.");
        return new ForkJoinSource<T, TOut>(upstream, branches, join, function, annotated);
    }

    internal override Source<TOut> Rewrite(Rewriter rewriter)
    {
        if (rewriter.Visit()) throw rewriter.CannotReplace(Kind);
        var rewritten = new ForkBranch<T>[branches.Length];
        for (int i = branches.Length - 1; i >= 0; i--) rewritten[i] = branches[i].Rewrite(rewriter);
        if (rewriter.Visit()) throw rewriter.CannotReplace("broadcast");
        return new ForkJoinSource<T, TOut>(upstream.Rewrite(rewriter), rewritten, join, function, options);
    }

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        int node = builder.AddNode(Kind, options, function, null, typeof(T), typeof(TOut));
        builder.Connect(node, next);
        if (builder.IsDrawing)
        {
            (int drawn, _) = BuildBranches(builder, (branch, _) => branch.Draw(builder, node));
            upstream.Build(builder, builder.Drawn<T>(drawn));
            return;
        }
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        var end = new ForkEnd<T, TOut>(builder.Context(node), builder.Isolated(next), join);
        Inlet<T> inlet;
        if (HasThreads)
        {
            var pump = new JoinPump<T, TOut>(builder, end, branches.Length,
                isOrdered: !Array.Exists(branches, branch => branch.IsUnordered));
            var (fan, inlets) = BuildBranches(builder, (branch, number) => branch.Build(builder, end.Context, pump, number));
            inlet = new ForkStage<T, TOut>(fan, pump, inlets);
        }
        else
        {
            var fused = new FusedForkJoin<T, TOut>(end, branches.Length);
            var (fan, inlets) = BuildBranches(builder, (branch, number) => branch.Build(builder, end.Context, fused, number));
            fused.Open(fan, inlets);
            inlet = fused;
        }
        builder.Enter(inlet.Node, inlet);
        upstream.Build(builder, inlet);
    }

    /// <summary>Builds the branches, the last one first.</summary>
    private (int Fan, Inlet<T>[] Inlets) BuildBranches(RunBuilder builder, Func<ForkBranch<T>, int, Inlet<T>> build)
    {
        var inlets = new Inlet<T>[branches.Length];
        builder.ForkJoins++;
        for (int i = branches.Length - 1; i >= 0; i--) inlets[i] = build(branches[i], i);
        builder.ForkJoins--;
        int fan = builder.AddNode("broadcast", StageOptions.Default, null, null, typeof(T), typeof(T), isOnlyEdges: true);
        for (int i = branches.Length - 1; i >= 0; i--) builder.Connect(fan, inlets[i]);
        if (!builder.IsDrawing) inlets = Array.ConvertAll(inlets, builder.Isolated);
        return (fan, inlets);
    }
}

/// <summary>A branch of a fork-join, independent of its output type.</summary>
internal abstract class ForkBranch<T>
{
    public abstract bool CrossesThreads { get; }

    public abstract bool IsUnordered { get; }

    public abstract ForkBranch<T> Rewrite(Rewriter rewriter);

    /// <summary>Builds the branch in front of its end.</summary>
    /// <returns>The inlet of the branch.</returns>
    public abstract Inlet<T> Build(RunBuilder builder, StageContext context, IForkJoin join, int number);

    /// <summary>Builds the branch for a drawing.</summary>
    public abstract Inlet<T> Draw(RunBuilder builder, int node);
}

/// <summary>A branch of a fork-join with its output type.</summary>
internal sealed class ForkBranch<T, TPart>(Pipe<T, TPart> pipe) : ForkBranch<T>
{
    public override bool CrossesThreads => pipe.CrossesThreads;

    public override bool IsUnordered => pipe.IsUnordered;

    public override ForkBranch<T> Rewrite(Rewriter rewriter) => new ForkBranch<T, TPart>(pipe.Rewrite(rewriter));

    public override Inlet<T> Build(RunBuilder builder, StageContext context, IForkJoin join, int number)
        => pipe.BuildInlet(builder, new ForkOutlet<TPart>(context, join, number));

    public override Inlet<T> Draw(RunBuilder builder, int node) => pipe.BuildInlet(builder, new DrawnInlet<TPart>(node));
}
