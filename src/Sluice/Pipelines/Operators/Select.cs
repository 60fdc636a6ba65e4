using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Turns every item into another. The same as <c>source | function</c>.</summary>
    [AlsoForPipes]
    public static Source<TOut> Select<T, TOut>(this Source<T> source, Func<T, TOut> function)
        => new MapSource<T, TOut>(NotNull(source), NotNull(function));
}

/// <summary>A synchronous map.</summary>
internal sealed class SelectOperator<T, TOut>(Func<T, TOut> function) : Operator<T, TOut>
{
    public override string Kind => "map";

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => function;

    public override bool MayRunAhead => true;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next) => new SelectStage<T, TOut>(context, next, function);

    public override Inlet<T>? TryFuse(int node, Inlet<TOut> next) => MapFusion.TryFuse(node, next, function);
}
