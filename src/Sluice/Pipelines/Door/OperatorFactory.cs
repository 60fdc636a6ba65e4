namespace Sluice.Pipelines;

/// <summary>Makes the operator for each kind of function that may stand behind <c>|</c>.</summary>
internal static class OperatorFactory
{
    public static Operator<T, TOut> Map<T, TOut>(Func<T, TOut> f) => new SelectOperator<T, TOut>(Given(f));

    public static Source<TOut> Map<T, TOut>(Source<T> source, Func<T, TOut> f) => new MapSource<T, TOut>(source, Given(f));

    public static Operator<T, TOut> Map<T, TOut>(Func<T, Task<TOut>> f)
    {
        Given(f);
        return new SelectAsyncOperator<T, TOut>((item, _) => new ValueTask<TOut>(NullTaskException.Check(f(item))), f);
    }

    public static Operator<T, TOut> Map<T, TOut>(Func<T, ValueTask<TOut>> f)
    {
        Given(f);
        return new SelectAsyncOperator<T, TOut>((item, _) => f(item), f);
    }

    public static Operator<T, TOut> Map<T, TOut>(Func<T, CancellationToken, Task<TOut>> f)
    {
        Given(f);
        return new SelectAsyncOperator<T, TOut>((item, token) => new ValueTask<TOut>(NullTaskException.Check(f(item, token))), f);
    }

    public static Operator<T, TOut> Map<T, TOut>(Func<T, CancellationToken, ValueTask<TOut>> f)
        => new SelectAsyncOperator<T, TOut>(Given(f), f);

    public static Operator<T, TOut> Many<T, TOut>(Func<T, IEnumerable<TOut>> f) => new SelectManyOperator<T, TOut>(Given(f));

    public static Operator<T, TOut> Many<T, TOut>(Func<T, IAsyncEnumerable<TOut>> f)
    {
        Given(f);
        return new SelectManyAsyncOperator<T, TOut>((item, _) => f(item), f);
    }

    public static Operator<T, TOut> Many<T, TOut>(Func<T, CancellationToken, IAsyncEnumerable<TOut>> f)
        => new SelectManyAsyncOperator<T, TOut>(Given(f), f);

    public static Operator<T, Unit> End<T>(Action<T> f) => new ActionSink<T>(Given(f));

    public static Operator<T, Unit> End<T>(Func<T, Task> f)
    {
        Given(f);
        return Plain<T>((item, _, _) => new ValueTask(NullTaskException.Check(f(item))), f);
    }

    public static Operator<T, Unit> End<T>(Func<T, ValueTask> f)
    {
        Given(f);
        return Plain<T>((item, _, _) => f(item), f);
    }

    public static Operator<T, Unit> End<T>(Func<T, CancellationToken, Task> f)
    {
        Given(f);
        return Plain<T>((item, _, token) => new ValueTask(NullTaskException.Check(f(item, token))), f);
    }

    public static Operator<T, Unit> End<T>(Func<T, CancellationToken, ValueTask> f)
    {
        Given(f);
        return Plain<T>((item, _, token) => f(item, token), f);
    }

    public static Operator<T, Unit> End<T>(Func<T, ItemContext, Task> f)
    {
        Given(f);
        return new AsyncActionSink<T>((item, context, _) => new ValueTask(NullTaskException.Check(f(item, context))), f);
    }

    public static Operator<T, Unit> End<T>(Func<T, ItemContext, ValueTask> f)
    {
        Given(f);
        return new AsyncActionSink<T>((item, context, _) => f(item, context), f);
    }

    public static Operator<T, Unit> End<T>(Func<T, ItemContext, CancellationToken, Task> f)
    {
        Given(f);
        return new AsyncActionSink<T>((item, context, token) => new ValueTask(NullTaskException.Check(f(item, context, token))), f);
    }

    public static Operator<T, Unit> End<T>(Func<T, ItemContext, CancellationToken, ValueTask> f) => new AsyncActionSink<T>(Given(f), f);

    private static AsyncActionSink<T> Plain<T>(Func<T, ItemContext, CancellationToken, ValueTask> f, Delegate original)
        => new(f, original, needsTickets: false);

    private static T Given<T>(T function) where T : Delegate
        => function ?? throw new ArgumentNullException(nameof(function), "There is no function behind the '|'.");
}
