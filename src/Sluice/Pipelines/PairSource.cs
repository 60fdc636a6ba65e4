using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>Combines two inputs of different types into one.</summary>
internal abstract class PairOperator<TLeft, TRight, TOut>
{
    public abstract string Kind { get; }

    public virtual Delegate? Function => null;

    /// <summary>Whether it sometimes takes from one input only, while the other input waits.</summary>
    public virtual bool IsSelective => false;

    public abstract (Inlet<TLeft> Left, Inlet<TRight> Right) Create(StageContext context, Inlet<TOut> next);
}

/// <summary>Makes the sources of pairs, without annotations.</summary>
internal static class PairSource
{
    public static Source<TOut> Of<TLeft, TRight, TOut>(Source<TLeft> left, Source<TRight> right, PairOperator<TLeft, TRight, TOut> pair)
        => new PairSource<TLeft, TRight, TOut>(left, right, pair, StageOptions.Default);

    /// <summary>Pairs the outputs of two branches of a source.</summary>
    public static Source<TOut> Of<T, TLeft, TRight, TOut>(Source<T> source, Func<Source<T>, Source<TLeft>> left,
        Func<Source<T>, Source<TRight>> right, Operator<Side<TLeft, TRight>, TOut> pair)
        => new BranchPairSource<T, TLeft, TRight, TOut>(source, Pipe<T, TLeft>.Of(left), Pipe<T, TRight>.Of(right), pair,
            StageOptions.Default);
}

/// <summary>Two sources, and the operator that pairs their items.</summary>
internal sealed class PairSource<TLeft, TRight, TOut>(
    Source<TLeft> left, Source<TRight> right, PairOperator<TLeft, TRight, TOut> pair, StageOptions options) : Source<TOut>
{
    private readonly Source<TLeft> left = KeyedInputs.Refused(left, pair.Kind);
    private readonly Source<TRight> right = KeyedInputs.Refused(right, pair.Kind);

    internal override bool CrossesThreads => true;

    internal override Source<TOut> Annotate(StagePolicy policy)
    {
        StageOptions annotated = policy.Apply(options,
            new StageTraits(pair.Kind, "takes from two inputs", IsAsynchronous: false, IsSink: false));
        FanInOptions.Check(pair.Kind, policy, annotated);
        return new PairSource<TLeft, TRight, TOut>(left, right, pair, annotated);
    }

    internal override Source<TOut> Rewrite(Rewriter rewriter)
    {
        if (rewriter.Visit()) throw rewriter.CannotReplace(pair.Kind);
        Source<TRight> rewrittenRight = right.Rewrite(rewriter);
        return new PairSource<TLeft, TRight, TOut>(left.Rewrite(rewriter), rewrittenRight, pair, options);
    }

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        builder.CheckParts(pair.Kind);
        builder.Check(pair.Kind, "holds items until it has two that belong together");
        int node = builder.AddNode(
            new NodeRecord(pair.Kind, options, pair.Function, null, typeof(TLeft),
                typeof(TOut))
            { StartsAnew = "holds items until it has two that belong together" });
        builder.Connect(node, next);
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        var (leftInlet, rightInlet) = pair.Create(builder.Context(node), next);
        FanIn fanIn = new(builder, node);
        leftInlet = fanIn.AddInput(leftInlet);
        rightInlet = fanIn.AddInput(rightInlet);
        right.Build(builder, rightInlet);
        left.Build(builder, leftInlet);
        if (pair.IsSelective && builder.HasShared) RunBuilder.CheckApart(pair.Kind, SharedFinder.In(left), SharedFinder.In(right));
    }
}
