namespace Sluice.Engine;

/// <summary>The properties of a stage by which an annotation decides whether it fits.</summary>
/// <param name="Kind">The kind of the stage.</param>
/// <param name="Stateful">The reason why it has a memory; null if it has none.</param>
/// <param name="IsAsynchronous">Whether its user code is asynchronous.</param>
/// <param name="IsSink">Whether it has no outputs.</param>
/// <param name="IsTimed">Whether it puts items out when time has passed.</param>
/// <param name="CanBeKeyed">Whether it could run in lanes by key.</param>
/// <param name="IsKeyed">Whether it runs in lanes by key.</param>
/// <param name="Input">The type of its items.</param>
internal readonly record struct StageTraits(
    string Kind, string? Stateful, bool IsAsynchronous, bool IsSink, bool IsTimed = false, bool CanBeKeyed = false, bool IsKeyed = false,
        Type? Input = null)
{
    public static StageTraits Of<TIn, TOut>(Operator<TIn, TOut> stage)
        => new(stage.Kind, stage.Stateful, stage.IsAsynchronous, typeof(TOut) == typeof(Unit), stage.IsTimed, stage.Exclusive is null,
        Input: typeof(TIn));
}
