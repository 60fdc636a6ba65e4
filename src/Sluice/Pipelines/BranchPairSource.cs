using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>An item, and which of two branches it came out of.</summary>
internal readonly struct Side<TLeft, TRight>
{
    private Side(bool isLeft, TLeft left, TRight right) => (IsLeft, Left, Right) = (isLeft, left, right);

    public bool IsLeft { get; }

    public TLeft Left { get; }

    public TRight Right { get; }

    public static Side<TLeft, TRight> OfLeft(TLeft item) => new(true, item, default!);

    public static Side<TLeft, TRight> OfRight(TRight item) => new(false, default!, item);
}

/// <summary>A source with two branches behind it, and the operator that pairs the items of the two branches.</summary>
/// <remarks>Both branches lead to one instance of the operator, so that one stage holds the state of both: in a consecutor, for each
/// partition.</remarks>
internal sealed class BranchPairSource<T, TLeft, TRight, TOut>(
    Source<T> upstream, Pipe<T, TLeft> left, Pipe<T, TRight> right, Operator<Side<TLeft, TRight>, TOut> pair, StageOptions options)
        : Source<TOut>
{
    private readonly Source<T> upstream = KeyedInputs.Refused(upstream, pair.Kind);

    internal override bool CrossesThreads => options.CrossesThreads || upstream.CrossesThreads || left.CrossesThreads
        || right.CrossesThreads;

    internal override Source<TOut> Annotate(StagePolicy policy)
    {
        StageOptions annotated = policy.Apply(options,
            new StageTraits(pair.Kind, "takes from two branches", IsAsynchronous: false, IsSink: false));
        FanInOptions.Check(pair.Kind, policy, annotated);
        return new BranchPairSource<T, TLeft, TRight, TOut>(upstream, left, right, pair, annotated);
    }

    internal override Source<TOut> Rewrite(Rewriter rewriter)
    {
        if (rewriter.Visit()) throw rewriter.CannotReplace(pair.Kind);
        Pipe<T, TRight> rewrittenRight = right.Rewrite(rewriter);
        Pipe<T, TLeft> rewrittenLeft = left.Rewrite(rewriter);
        if (rewriter.Visit()) throw rewriter.CannotReplace("broadcast");
        return new BranchPairSource<T, TLeft, TRight, TOut>(upstream.Rewrite(rewriter), rewrittenLeft, rewrittenRight, pair, options);
    }

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        builder.CheckParts(pair.Kind);
        if (builder.Following is not null) builder.KeepsState(pair.Kind, null, options.Name, typeof(TOut), pair.IsTimed, isInLanes: false,
            pair.Shape);
        int node = builder.AddNode(
            new NodeRecord(pair.Kind, options, pair.Function, null, typeof(T),
                typeof(TOut))
            { StartsAnew = "holds items until it has two that belong together", KeepsState = true });
        builder.Connect(node, next);
        builder.Following?.AddOutlet(node, next);
        Inlet<TLeft> leftInlet;
        Inlet<TRight> rightInlet;
        if (builder.IsDrawing) (leftInlet, rightInlet) = (new DrawnInlet<TLeft>(node), new DrawnInlet<TRight>(node));
        else (leftInlet, rightInlet) = BuildPair(builder, node, next);

        Inlet<T> rightBranch = right.BuildInlet(builder, rightInlet);
        Inlet<T> leftBranch = left.BuildInlet(builder, leftInlet);
        var broadcast = new BroadcastOperator<T>();
        int fan = builder.AddNode(broadcast.Kind, StageOptions.Default, null, null, typeof(T), typeof(T), isOnlyEdges: true);
        builder.Connect(fan, rightBranch);
        builder.Connect(fan, leftBranch);
        if (builder.IsDrawing)
        {
            upstream.Build(builder, builder.Drawn<T>(fan));
            return;
        }
        Inlet<T> inlet = broadcast.Create(builder.Context(fan), [builder.Isolated(leftBranch), builder.Isolated(rightBranch)]);
        builder.Enter(fan, inlet);
        upstream.Build(builder, inlet);
    }

    private (Inlet<TLeft>, Inlet<TRight>) BuildPair(RunBuilder builder, int node, Inlet<TOut> next)
    {
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        next = builder.Isolated(next);
        StageContext context = builder.Context(node);
        Inlet<Side<TLeft, TRight>> both = builder.Following is { } following
            ? new PartitionedStage<Side<TLeft, TRight>, TOut>(following, context, next, next, pair.Create)
            : pair.Create(context, next);
        both = builder.Isolated(both);
        both.ShareAmong(2);
        Inlet<TLeft> leftInlet = new SideInlet<TLeft, TLeft, TRight>(both, Side<TLeft, TRight>.OfLeft);
        Inlet<TRight> rightInlet = new SideInlet<TRight, TLeft, TRight>(both, Side<TLeft, TRight>.OfRight);
        if (!left.CrossesThreads && !right.CrossesThreads) return (leftInlet, rightInlet);
        var fanIn = new FanIn(builder, node);
        return (fanIn.AddInput(leftInlet), fanIn.AddInput(rightInlet));
    }
}

/// <summary>The end of a branch: marks each item with its side and passes it to the pairing operator.</summary>
internal sealed class SideInlet<T, TLeft, TRight> : Inlet<T>, IUpstream
{
    private readonly Inlet<Side<TLeft, TRight>> both;
    private readonly Func<T, Side<TLeft, TRight>> wrap;

    public SideInlet(Inlet<Side<TLeft, TRight>> both, Func<T, Side<TLeft, TRight>> wrap)
    {
        (this.both, this.wrap, Node) = (both, wrap, both.Node);
        both.Attach(this);
    }

    public override ValueTask PushAsync(T item, Ticket? ticket) => both.PushAsync(wrap(item), ticket);

    public override void Flush() => both.Flush();

    public void Stop() => Upstream?.Stop();

    protected override ValueTask OnCompleteAsync() => both.CompleteAsync();
}
