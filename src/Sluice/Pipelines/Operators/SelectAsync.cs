using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Turns every item into another, asynchronously; the next item waits, unless the stage is annotated with
    /// <see cref="Stage.Parallel"/>. The same as <c>source | function</c>.</summary>
    [AlsoForPipes]
    public static Source<TOut> SelectAsync<T, TOut>(this Source<T> source, Func<T, CancellationToken, ValueTask<TOut>> function)
        => NotNull(source).Then(new SelectAsyncOperator<T, TOut>(NotNull(function), function));
}

/// <param name="function">The function in its widest form.</param>
/// <param name="original">The function as the user wrote it, for its name; null if it is not a function.</param>
internal class SelectAsyncOperator<T, TOut>(Func<T, CancellationToken, ValueTask<TOut>> function, Delegate? original) : Operator<T, TOut>
{
    public override string Kind => "map";

    public override bool LetsFailuresThrough => true;

    public override Delegate? Function => original;

    public override bool IsAsynchronous => true;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next) => new SelectAsyncStage<T, TOut>(context, next, function);

    public override Inlet<T>? TryFuse(int node, Inlet<TOut> next)
    {
        if (!Fusions.AsyncMaps) return null;
        if (next is SelectAsyncRun<T> run && run.TryPrepend(node, (Func<T, CancellationToken, ValueTask<T>>)(object)function)) return run;
        return next is SelectAsyncStage<T, T> { HasOneInput: true } single
            ? new SelectAsyncRun<T>(single.Context, single.Next, single.Function, node,
            (Func<T, CancellationToken, ValueTask<T>>)(object)function)
            : null;
    }
}
