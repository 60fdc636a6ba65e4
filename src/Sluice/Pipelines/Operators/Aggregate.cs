namespace Sluice;

public static partial class Operators
{
    /// <summary>Puts out one result, at the end: <c>numbers.Aggregate(0L, (sum, n) => sum + n)</c> is the sum, also of no numbers.</summary>
    /// <remarks>
    /// Remembers the result so far, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every key
    /// puts out a result of its own. A run that is drained puts out the result of what it has had; one that is cancelled or has failed, nothing.
    /// </remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="seed">The result of no items. All runs and lanes begin with this one object: do not change it in place.</param>
    /// <param name="function">The next result, from the one so far and an item.</param>
    /// <param name="schema">In a consecutor: the version in which the result so far is stored, and how older ones are read.</param>
    public static Source<TResult> Aggregate<T, TResult>(this Source<T> source, TResult seed, Func<TResult, T, TResult> function, StateSchema<TResult>? schema = null)
        => NotNull(source).Then(new AggregateOperator<T, TResult, TResult>(seed, NotNull(function), static state => state, schema));

    /// <inheritdoc cref="Aggregate{T, TResult}(Source{T}, TResult, Func{TResult, T, TResult}, StateSchema{TResult})"/>
    public static Pipe<TIn, TResult> Aggregate<TIn, T, TResult>(this Pipe<TIn, T> pipe, TResult seed, Func<TResult, T, TResult> function, StateSchema<TResult>? schema = null)
        => NotNull(pipe).Then(new AggregateOperator<T, TResult, TResult>(seed, NotNull(function), static state => state, schema));

    /// <summary>Gathers all items into a state, and puts out one result made of it, at the end.</summary>
    /// <remarks>
    /// Remembers the state, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every key puts out a
    /// result of its own. A run that is drained puts out the result of what it has had; one that is cancelled or has failed, nothing.
    /// </remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="seed">The state before the first item. All runs and lanes begin with this one object: do not change it in place.</param>
    /// <param name="function">The next state, from the one so far and an item.</param>
    /// <param name="result">The result; called once, after the last item.</param>
    /// <param name="schema">In a consecutor: the version in which the state is stored, and how older ones are read.</param>
    public static Source<TResult> Aggregate<T, TState, TResult>(
        this Source<T> source, TState seed, Func<TState, T, TState> function, Func<TState, TResult> result, StateSchema<TState>? schema = null)
        => NotNull(source).Then(new AggregateOperator<T, TState, TResult>(seed, NotNull(function), NotNull(result), schema));

    /// <inheritdoc cref="Aggregate{T, TState, TResult}(Source{T}, TState, Func{TState, T, TState}, Func{TState, TResult}, StateSchema{TState})"/>
    public static Pipe<TIn, TResult> Aggregate<TIn, T, TState, TResult>(
        this Pipe<TIn, T> pipe, TState seed, Func<TState, T, TState> function, Func<TState, TResult> result, StateSchema<TState>? schema = null)
        => NotNull(pipe).Then(new AggregateOperator<T, TState, TResult>(seed, NotNull(function), NotNull(result), schema));
}

internal sealed class AggregateOperator<T, TState, TResult>(TState seed, Func<TState, T, TState> function, Func<TState, TResult> result, StateSchema<TState>? schema)
    : Operator<T, TResult>
{
    public override string Kind => "aggregate";

    public override Delegate Function => function;

    public override string Stateful => "remembers the result so far";

    public override bool EndsItems => true;

    public override bool Remembers => true;

    public override StateShape Shape => new(Kind, typeof(TState), schema?.Version ?? 0);

    public override Inlet<T> Create(StageContext context, Inlet<TResult> next)
        => new AggregateStage<T, TState, TResult>(context, next, new(seed, StatefulForms.Of("the aggregate", seed, schema)), function, result);
}

internal sealed class AggregateStage<T, TState, TResult>(
    StageContext context, Inlet<TResult> next, RememberedValue<TState> remembered, Func<TState, T, TState> function, Func<TState, TResult> result)
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
            throw Context.Failure(e);
        }
        await EmitAsync(last, null);
        await Next.CompleteAsync();
    }
}
