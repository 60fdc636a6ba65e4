using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>
/// A source with a synchronous map behind it and no annotations. It saves one object per map against a <see cref="StageSource{TIn, TOut}"/>
/// with
/// its operator. A run of one item through ten maps makes 32 objects, and allocating them is 26 % of its time (ADR 0017).
/// </summary>
/// <remarks>It becomes a <see cref="StageSource{TIn, TOut}"/> when it is annotated, rewritten or drawn.</remarks>
internal sealed class MapSource<TIn, TOut>(Source<TIn> upstream, Func<TIn, TOut> function) : Source<TOut>
{
    internal override bool CrossesThreads => upstream.CrossesThreads || upstream is KeyedSource<TIn>;

    internal override bool IsUnordered => upstream.IsUnordered || upstream is KeyedSource<TIn>;

    private StageSource<TIn, TOut> Stage => new(upstream, new SelectOperator<TIn, TOut>(function), StageOptions.Default);

    internal override Source<TOut> Annotate(StagePolicy policy) => Stage.Annotate(policy);

    internal override Source<TOut> Rewrite(Rewriter rewriter) => Stage.Rewrite(rewriter);

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        if (builder.IsDrawing || builder.Run.Options.KeepsNodesApart || upstream is KeyedSource<TIn>)
        {
            Stage.Build(builder, next);
            return;
        }
        int node = builder.AddNode(StageOptions.Default);
        builder.Connect(node, next);
        bool isJoined = builder.Following is not { HasEntrances: true };
        Inlet<TIn> inlet = (isJoined ? MapFusion.TryFuse(node, next, function) : null)
            ?? (isJoined && Fusions.Maps && upstream is MapSource<TIn, TOut> && function is Func<TIn, TIn> step
                ? new SelectRun<TIn>(builder.Context(node), (Inlet<TIn>)(object)next, step)
                : new SelectStage<TIn, TOut>(builder.Context(node), next, function));
        builder.Enter(node, inlet);
        upstream.Build(builder, inlet);
    }
}
