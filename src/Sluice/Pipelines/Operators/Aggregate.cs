namespace Sluice;

public static partial class Operators
{
    /// <summary>Puts out one result, at the end: <c>numbers.Aggregate(0L, (sum, n) => sum + n)</c> is the sum, also of no numbers.</summary>
    /// <remarks>
    /// Remembers the result so far, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every lane
    /// puts out a result of its own. A run that is drained puts out the result of what it has had; one that is cancelled or has failed, nothing.
    /// </remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="seed">The result of no items. All runs and lanes begin with this one object: do not change it in place.</param>
    /// <param name="function">The next result, from the one so far and an item.</param>
    public static Source<TResult> Aggregate<T, TResult>(this Source<T> source, TResult seed, Func<TResult, T, TResult> function)
        => NotNull(source).Then(new AggregateOperator<T, TResult, TResult>(seed, NotNull(function), static state => state));

    /// <inheritdoc cref="Aggregate{T, TResult}(Source{T}, TResult, Func{TResult, T, TResult})"/>
    public static Pipe<TIn, TResult> Aggregate<TIn, T, TResult>(this Pipe<TIn, T> pipe, TResult seed, Func<TResult, T, TResult> function)
        => NotNull(pipe).Then(new AggregateOperator<T, TResult, TResult>(seed, NotNull(function), static state => state));

    /// <summary>Gathers all items into a state, and puts out one result made of it, at the end.</summary>
    /// <remarks>
    /// Remembers the state, so it does not run in parallel and is not retried; behind <see cref="Stage.KeyBy"/>, every lane puts out a
    /// result of its own. A run that is drained puts out the result of what it has had; one that is cancelled or has failed, nothing.
    /// </remarks>
    /// <param name="source">What to go on from.</param>
    /// <param name="seed">The state before the first item. All runs and lanes begin with this one object: do not change it in place.</param>
    /// <param name="function">The next state, from the one so far and an item.</param>
    /// <param name="result">The result; called once, after the last item.</param>
    public static Source<TResult> Aggregate<T, TState, TResult>(
        this Source<T> source, TState seed, Func<TState, T, TState> function, Func<TState, TResult> result)
        => NotNull(source).Then(new AggregateOperator<T, TState, TResult>(seed, NotNull(function), NotNull(result)));

    /// <inheritdoc cref="Aggregate{T, TState, TResult}(Source{T}, TState, Func{TState, T, TState}, Func{TState, TResult})"/>
    public static Pipe<TIn, TResult> Aggregate<TIn, T, TState, TResult>(
        this Pipe<TIn, T> pipe, TState seed, Func<TState, T, TState> function, Func<TState, TResult> result)
        => NotNull(pipe).Then(new AggregateOperator<T, TState, TResult>(seed, NotNull(function), NotNull(result)));
}

internal sealed class AggregateOperator<T, TState, TResult>(TState seed, Func<TState, T, TState> function, Func<TState, TResult> result)
    : Operator<T, TResult>
{
    public override string Kind => "aggregate";

    public override Delegate Function => function;

    public override string Stateful => "remembers the result so far";

    public override bool EndsItems => true;

    public override bool Remembers => true;

    public override Inlet<T> Create(StageContext context, Inlet<TResult> next)
        => new AggregateStage<T, TState, TResult>(context, next, seed, function, result);
}

internal sealed class AggregateStage<T, TState, TResult>(
    StageContext context, Inlet<TResult> next, TState seed, Func<TState, T, TState> function, Func<TState, TResult> result)
    : Stage<T, TResult>(context, next), IRemembers
{
    private TState state = seed;
    private bool hasChanged;

    public void Restore(StateReader stored) => state = stored.Has("") ? stored.Get<TState>("") : state;

    public void Save(StateWriter changes)
    {
        if (hasChanged) changes.Put("", state);
        hasChanged = false;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            state = function(state, item);
            hasChanged = true;
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
            last = result(state);
        }
        catch (Exception e)
        {
            throw Context.Failure(e);
        }
        await EmitAsync(last, null);
        await Next.CompleteAsync();
    }
}
