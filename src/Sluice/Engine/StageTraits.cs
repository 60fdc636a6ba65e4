namespace Sluice;

/// <summary>What an annotation needs to know of the stage it is put on, in order to refuse.</summary>
/// <param name="Kind">The kind of the stage.</param>
/// <param name="Stateful">Why it has a memory, if it does.</param>
/// <param name="IsAsynchronous">Whether user code is asynchronous.</param>
/// <param name="IsSink">Whether nothing comes out.</param>
/// <param name="IsTimed">Whether it puts items out when time has passed.</param>
/// <param name="CanBeKeyed">Whether it could run in lanes by key.</param>
/// <param name="IsKeyed">Whether it does.</param>
/// <param name="Input">What it takes.</param>
internal readonly record struct StageTraits(
    string Kind, string? Stateful, bool IsAsynchronous, bool IsSink, bool IsTimed = false, bool CanBeKeyed = false, bool IsKeyed = false, Type? Input = null)
{
    public static StageTraits Of<TIn, TOut>(Operator<TIn, TOut> stage)
        => new(stage.Kind, stage.Stateful, stage.IsAsynchronous, typeof(TOut) == typeof(Unit), stage.IsTimed, stage.Exclusive is null, Input: typeof(TIn));
}
