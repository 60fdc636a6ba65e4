using Sluice.Diagnostics;

namespace Sluice.Pipelines;

/// <summary>An operator behind a KeyBy in a consecutor: a node with a state for each key does its work.</summary>
/// <param name="original">The operator.</param>
/// <param name="node">Makes the node.</param>
internal sealed class StoredByKeyOperator<TIn, TOut>(Operator<TIn, TOut> original, Func<StageNode<TIn, TOut>> node)
    : NodeOperator<TIn, TOut>(node)
{
    public override string Kind => original.Kind;

    public override Delegate? Function => original.Function;

    public override string? Hint => original.Hint;

    public override StateShape Shape => base.Shape with { Kind = $"{original.Kind} by key" };
}

internal sealed class ScanNode<T, TResult>(TResult seed, Func<TResult, T, TResult> function, StateSchema<TResult>? schema)
    : StatefulStageNode<T, TResult, TResult>
{
    protected override int StateVersion => schema?.Version ?? 0;

    protected override TResult InitialState(string key) => seed;

    protected override TResult Migrate(StoredState stored) => schema is null ? base.Migrate(stored) : schema.Migrate(stored);

    protected override ValueTask ProcessAsync(T item, Output<TResult> output, CancellationToken cancellation)
    {
        TResult result = function(Known, item);
        State = result;
        return output.PushAsync(result);
    }
}

internal sealed class DistinctNode<T, TKey>(Func<T, TKey> key, int capacity, IEqualityComparer<TKey> comparer)
    : StatefulStageNode<T, T, TKey[]>
{
    /// <summary>The most keys that one row has: with each new one the row is written as a whole.</summary>
    public const int MaxCapacity = 1000;

    protected override TKey[] InitialState(string key) => [];

    protected override ValueTask ProcessAsync(T item, Output<T> output, CancellationToken cancellation)
    {
        TKey its = key(item);
        TKey[] known = Known;
        if (Array.Exists(known, one => comparer.Equals(one, its))) return default;
        State = known.Length < capacity ? [.. known, its] : [.. known[(known.Length - capacity + 1)..], its];
        return output.PushAsync(item);
    }
}

internal sealed class DebounceNode<T>(TimeSpan quiet) : TimedStageNode<T, T, T[]>
{
    protected override T[] InitialState(string key) => [];

    protected override ValueTask ProcessAsync(T item, Output<T> output, CancellationToken cancellation)
    {
        State = [item];
        Timers.Set(quiet);
        return default;
    }

    protected override ValueTask OnTimerAsync(string timer, Output<T> output, CancellationToken cancellation) => PutOutAsync(output);

    protected override ValueTask EndKeyAsync(Output<T> output, CancellationToken cancellation) => PutOutAsync(output);

    private ValueTask PutOutAsync(Output<T> output)
    {
        T[] held = State;
        RemoveState();
        return held is [var item] ? output.PushAsync(item) : default;
    }
}
