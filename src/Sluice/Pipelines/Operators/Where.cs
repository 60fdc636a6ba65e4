namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Lets through the items for which the predicate is true; the others are counted as skipped.</summary>
    /// <param name="source">The source of the items.</param>
    /// <param name="predicate">Called once with every item. Must be thread-safe if the stage is parallel.</param>
    [AlsoForPipes]
    public static Source<T> Where<T>(this Source<T> source, Func<T, bool> predicate)
        => NotNull(source).Then(new WhereOperator<T>(NotNull(predicate)));

    /// <summary>Lets through the items for which the asynchronous predicate is true; the next item waits, unless the stage is annotated
    /// with <see cref="Stage.Parallel"/>.</summary>
    /// <param name="source">The source of the items.</param>
    /// <param name="predicate">Called once with every item, and with a token that is cancelled when the run stops or an attempt takes too
    /// long.</param>
    [AlsoForPipes]
    public static Source<T> WhereAsync<T>(this Source<T> source, Func<T, CancellationToken, ValueTask<bool>> predicate)
        => NotNull(source).Then(new WhereAsyncOperator<T>(NotNull(predicate)));
}

internal sealed class WhereOperator<T>(Func<T, bool> predicate) : Operator<T, T>
{
    public override string Kind => "filter";

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => predicate;

    public override bool MayRunAhead => true;

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new WhereStage<T>(context, next, predicate);
}

internal sealed class WhereStage<T>(StageContext context, Inlet<T> next, Func<T, bool> predicate) : Stage<T, T>(context, next)
{
    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        bool passes;
        try
        {
            passes = predicate(item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return passes ? EmitAsync(item, ticket) : Skip(ticket);
    }
}

internal sealed class WhereAsyncOperator<T>(Func<T, CancellationToken, ValueTask<bool>> predicate) : Operator<T, T>
{
    public override string Kind => "filter";

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => predicate;

    public override bool IsAsynchronous => true;

    public override Inlet<T> Create(StageContext context, Inlet<T> next) => new WhereAsyncStage<T>(context, next, predicate);
}

internal sealed class WhereAsyncStage<T>(StageContext context, Inlet<T> next, Func<T, CancellationToken, ValueTask<bool>> predicate)
    : Stage<T, T>(context, next)
{
    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        bool passes;
        try
        {
            ValueTask<bool> pending = predicate(item, Context.Token);
            if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, item, ticket);
            passes = pending.Result;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return passes ? EmitAsync(item, ticket) : Skip(ticket);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask<bool> pending, T item, Ticket? ticket)
    {
        bool passes;
        Context.IsSuspended = true;
        try
        {
            passes = await pending;
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        finally
        {
            Context.IsSuspended = false;
        }
        await (passes ? EmitAsync(item, ticket) : Skip(ticket));
    }
}
