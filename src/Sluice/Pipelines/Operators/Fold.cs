using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Puts out one result, at the end: <c>numbers.Aggregate(0L, (sum, n) => sum + n)</c> is the sum, also if there are no
    /// numbers.</summary>
    /// <remarks>Has state, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every key has a result of
    /// its own. A run that is drained puts out the result of the items so far; a run that is cancelled or has failed puts out no
    /// result.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="seed">The result if there are no items. All runs and lanes start with this one object: do not change it in
    /// place.</param>
    /// <param name="function">Makes the next result from the previous result and an item.</param>
    /// <param name="schema">In a consecutor: the version of the stored result, and how to read older versions.</param>
    [AlsoForPipes]
    public static Source<TResult> Aggregate<T, TResult>(this Source<T> source, TResult seed, Func<TResult, T, TResult> function,
        StateSchema<TResult>? schema = null)
        => NotNull(source).Then(new AggregateOperator<T, TResult, TResult>(seed, NotNull(function), static state => state, schema));

    /// <summary>Gathers all items into a state, and puts out one result made from the state, at the end.</summary>
    /// <remarks>Has state, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every key has a result of
    /// its own. A run that is drained puts out the result of the items so far; a run that is cancelled or has failed puts out no
    /// result.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="seed">The state before the first item. All runs and lanes start with this one object: do not change it in
    /// place.</param>
    /// <param name="function">Makes the next state from the previous state and an item.</param>
    /// <param name="result">Makes the result from the state; called once, after the last item.</param>
    /// <param name="schema">In a consecutor: the version of the stored state, and how to read older versions.</param>
    [AlsoForPipes]
    public static Source<TResult> Aggregate<T, TState, TResult>(
        this Source<T> source, TState seed, Func<TState, T, TState> function, Func<TState, TResult> result,
            StateSchema<TState>? schema = null)
        => NotNull(source).Then(new AggregateOperator<T, TState, TResult>(seed, NotNull(function), NotNull(result), schema));

    /// <summary>Puts out the result so far for every item: <c>numbers.Scan(0, (sum, n) => sum + n)</c> is the running sum.</summary>
    /// <remarks>Has state, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every key has a result of
    /// its own. An item whose function fails does not change the result.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="seed">The result before the first item; not put out. All runs and lanes start with this one object: do not change it in
    /// place.</param>
    /// <param name="function">Makes the next result from the previous result and an item.</param>
    /// <param name="schema">In a consecutor: the version of the stored result, and how to read older versions.</param>
    [AlsoForPipes]
    public static Source<TResult> Scan<T, TResult>(this Source<T> source, TResult seed, Func<TResult, T, TResult> function,
        StateSchema<TResult>? schema = null)
        => NotNull(source).Then(new ScanOperator<T, TResult>(seed, NotNull(function), schema));
}

/// <summary>Folds items into a state, one after the other.</summary>
internal abstract class FoldOperator<T, TState, TOut>(TState seed, Func<TState, T, TState> function, StateSchema<TState>? schema)
    : Operator<T, TOut>
{
    public override Delegate Function => function;

    public override string Stateful => "remembers the result so far";

    public override bool Remembers => true;

    public override StateShape Shape => new(Kind, typeof(TState), schema?.Version ?? 0);

    protected TState Seed => seed;

    protected Func<TState, T, TState> Fold => function;

    protected StateSchema<TState>? Schema => schema;

    /// <summary>The state of a new stage.</summary>
    protected RememberedValue<TState> Remembered => new(seed, StatefulForms.Of($"the {Kind}", seed, schema));
}

internal sealed class AggregateOperator<T, TState, TResult>(TState seed, Func<TState, T, TState> function, Func<TState, TResult> result,
    StateSchema<TState>? schema) : FoldOperator<T, TState, TResult>(seed, function, schema)
{
    public override string Kind => "aggregate";

    public override bool EndsItems => true;

    public override Operator<T, TResult> StoredByKey
        => new StoredByKeyOperator<T, TResult>(this, () => new AggregateNode<T, TState, TResult>(() => Seed, Fold, result, Schema));

    public override Inlet<T> Create(StageContext context, Inlet<TResult> next)
        => new AggregateStage<T, TState, TResult>(context, next, Remembered, Fold, result);
}

internal sealed class AggregateStage<T, TState, TResult>(
    StageContext context, Inlet<TResult> next, RememberedValue<TState> remembered, Func<TState, T, TState> function,
        Func<TState, TResult> result)
    : Stage<T, TResult>(context, next), IStateful
{
    public void Restore(StateReader stored) => remembered.Restore(stored);

    public void Save(StateWriter changes) => remembered.Save(changes);

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            remembered.Value = function(remembered.Value, item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        ticket?.Settle(Outcome.Completed);
        return default;
    }

    protected override async ValueTask OnCompleteAsync()
    {
        TResult last;
        try
        {
            last = result(remembered.Value);
        }
        catch (Exception e)
        {
            throw Context.FailureAtEnd(e);
        }
        await EmitAsync(last, null);
        await Next.CompleteAsync();
    }
}

internal sealed class ScanOperator<T, TResult>(TResult seed, Func<TResult, T, TResult> function, StateSchema<TResult>? schema)
    : FoldOperator<T, TResult, TResult>(seed, function, schema)
{
    public override string Kind => "scan";

    public override Operator<T, TResult> StoredByKey
        => new StoredByKeyOperator<T, TResult>(this, () => new ScanNode<T, TResult>(() => Seed, Fold, Schema));

    public override Inlet<T> Create(StageContext context, Inlet<TResult> next)
        => new ScanStage<T, TResult>(context, next, Remembered, Fold);
}

internal sealed class ScanStage<T, TResult>(StageContext context, Inlet<TResult> next, RememberedValue<TResult> remembered,
    Func<TResult, T, TResult> function)
    : Stage<T, TResult>(context, next), IStateful
{
    public void Restore(StateReader stored) => remembered.Restore(stored);

    public void Save(StateWriter changes) => remembered.Save(changes);

    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TResult result;
        try
        {
            remembered.Value = result = function(remembered.Value, item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(result, ticket);
    }
}
