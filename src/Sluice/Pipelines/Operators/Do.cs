using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Calls a function with every item, and passes the item on.</summary>
    /// <param name="source">The source of the items.</param>
    /// <param name="function">The function, called before the item goes on. Must be thread-safe if the stage is parallel.</param>
    [AlsoForPipes]
    public static Source<T> Do<T>(this Source<T> source, Action<T> function)
        => NotNull(source).Then(new DoOperator<T>(NotNull(function)));

    /// <summary>Calls an asynchronous function with every item, and passes the item on when the call has completed.</summary>
    /// <param name="source">The source of the items.</param>
    /// <param name="function">The function, called with one item at a time unless the stage is annotated with
    /// <see cref="Stage.Parallel"/>.</param>
    [AlsoForPipes]
    public static Source<T> DoAsync<T>(this Source<T> source, Func<T, CancellationToken, ValueTask> function)
        => NotNull(source).Then(new DoAsyncOperator<T>(NotNull(function)));
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

internal sealed class DoAsyncStage<T>(StageContext context, Inlet<T> next, Func<T, CancellationToken, ValueTask> function)
    : Stage<T, T>(context, next)
{
    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        try
        {
            ValueTask pending = function(item, Context.Token);
            if (!pending.IsCompletedSuccessfully) return EmitLaterAsync(pending, item, ticket);
            pending.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return EmitAsync(item, ticket);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask EmitLaterAsync(ValueTask pending, T item, Ticket? ticket)
    {
        Context.IsSuspended = true;
        try
        {
            await pending;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        finally
        {
            Context.IsSuspended = false;
        }
        await EmitAsync(item, ticket);
    }
}
