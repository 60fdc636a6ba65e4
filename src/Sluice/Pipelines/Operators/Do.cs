using System.Runtime.CompilerServices;

namespace Sluice;

public static partial class Operators
{
    /// <summary>Calls a function with every item, and passes the item on.</summary>
    /// <param name="source">What to go on from.</param>
    /// <param name="function">Called before the item goes on. Must be safe for use by several threads if the stage is parallel.</param>
    public static Source<T> Do<T>(this Source<T> source, Action<T> function)
        => NotNull(source).Then(new DoOperator<T>(NotNull(function)));

    /// <inheritdoc cref="Do{T}(Source{T}, Action{T})"/>
    public static Pipe<TIn, T> Do<TIn, T>(this Pipe<TIn, T> pipe, Action<T> function)
        => NotNull(pipe).Then(new DoOperator<T>(NotNull(function)));

    /// <summary>Calls an asynchronous function with every item, and passes the item on when it has completed.</summary>
    /// <param name="source">What to go on from.</param>
    /// <param name="function">Called with one item at a time, unless the stage is annotated with <see cref="Stage.Parallel"/>.</param>
    public static Source<T> DoAsync<T>(this Source<T> source, Func<T, CancellationToken, ValueTask> function)
        => NotNull(source).Then(new DoAsyncOperator<T>(NotNull(function)));

    /// <inheritdoc cref="DoAsync{T}(Source{T}, Func{T, CancellationToken, ValueTask})"/>
    public static Pipe<TIn, T> DoAsync<TIn, T>(this Pipe<TIn, T> pipe, Func<T, CancellationToken, ValueTask> function)
        => NotNull(pipe).Then(new DoAsyncOperator<T>(NotNull(function)));
}

internal sealed class DoOperator<T>(Action<T> given) : Operator<T, T>
{
    private readonly Action<T> function = AsyncVoid.Refuse(given);

    public override string Kind => "do";

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => function;

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new DoStage<T>(context, next, function);
}

internal sealed class DoStage<T>(StageContext context, Inlet<T> next, Action<T> function) : Stage<T, T>(context, next)
{
    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            function(item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(item, ticket);
    }
}

internal sealed class DoAsyncOperator<T>(Func<T, CancellationToken, ValueTask> function) : Operator<T, T>
{
    public override string Kind => "do";

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => function;

    public override bool IsAsynchronous => true;

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new DoAsyncStage<T>(context, next, function);
}

internal sealed class DoAsyncStage<T>(StageContext context, Inlet<T> next, Func<T, CancellationToken, ValueTask> function) : Stage<T, T>(context, next)
{
    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            ValueTask pending = function(item, Context.Token);
            if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, item, ticket);
            pending.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(item, ticket);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pending, T item, Ticket? ticket)
    {
        try
        {
            await pending;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        await EmitAsync(item, ticket);
    }
}
