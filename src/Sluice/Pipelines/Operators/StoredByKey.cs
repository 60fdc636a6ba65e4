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

    public override bool EndsItems => original.EndsItems;

    public override StateShape Shape => base.Shape with { Kind = $"{original.Shape.Kind} by key" };
}

/// <summary>Folds the items of each key into a state.</summary>
internal abstract class FoldNode<T, TState, TOut>(Func<TState> seed, Func<TState, T, TState> function, StateSchema<TState>? schema)
    : StatefulStageNode<T, TOut, TState>
{
    protected override int StateVersion => schema?.Version ?? 0;

    protected override TState InitialState(string key) => seed();

    protected override TState Migrate(StoredState stored) => schema is null ? base.Migrate(stored) : schema.Migrate(stored);

    protected TState Add(T item) => State = function(Known, item);
}

internal sealed class ScanNode<T, TResult>(Func<TResult> seed, Func<TResult, T, TResult> function, StateSchema<TResult>? schema)
    : FoldNode<T, TResult, TResult>(seed, function, schema)
{
    protected override ValueTask ProcessAsync(T item, Output<TResult> output, CancellationToken cancellation)
        => output.PushAsync(Add(item));
}

/// <remarks>The state stays behind the end of the input: letters that are redriven afterwards add to it.</remarks>
internal sealed class AggregateNode<T, TState, TResult>(Func<TState> seed, Func<TState, T, TState> function,
    Func<TState, TResult> result, StateSchema<TState>? schema) : FoldNode<T, TState, TResult>(seed, function, schema)
{
    internal override bool Gathers => true;

    protected override ValueTask ProcessAsync(T item, Output<TResult> output, CancellationToken cancellation)
    {
        _ = Add(item);
        return default;
    }

    protected override ValueTask EndKeyAsync(Output<TResult> output, CancellationToken cancellation) => output.PushAsync(result(Known));
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
