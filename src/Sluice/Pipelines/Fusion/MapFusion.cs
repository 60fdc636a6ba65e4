namespace Sluice.Pipelines;

/// <summary>Joins a map with the stage behind it: <see cref="SelectRun{T}"/> and <see cref="MapSteps"/> say what that saves.</summary>
internal static class MapFusion
{
    /// <summary>The stage in front of <paramref name="next"/> that does the work of both; null if it cannot.</summary>
    public static Inlet<T>? TryFuse<T, TOut>(int node, Inlet<TOut> next, Func<T, TOut> function)
        => next switch
        {
            SelectRun<T> run when Fusions.Maps && run.TryPrepend(node, (Func<T, T>)(object)function) => run,
            SelectStage<T, T> { HasOneInput: true, IsOneNode: true } single when Fusions.Maps && node == single.Node + 1
                => new SelectRun<T>(single.Context, single.Next, single.Function).Prepend(node, (Func<T, T>)(object)function),
            ITakesMap<TOut> other when Fusions.Steps && typeof(T) != typeof(TOut) => other.TryPrepend(node, function),
            _ => null,
        };
}
