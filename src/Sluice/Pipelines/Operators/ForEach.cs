using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Ends the pipeline in a function that is called with every item. Equals <c>source | function</c>.</summary>
    [AlsoForPipes]
    public static Pipeline ForEach<T>(this Source<T> source, Action<T> function)
        => NotNull(source).To(new ActionSink<T>(NotNull(function)));

    /// <summary>Ends the pipeline in an asynchronous function that is called with every item, one at a time unless annotated. Equals
    /// <c>source | function</c>.</summary>
    [AlsoForPipes]
    public static Pipeline ForEachAsync<T>(this Source<T> source, Func<T, ItemContext, CancellationToken, ValueTask> function)
        => NotNull(source).To(new AsyncActionSink<T>(NotNull(function), function));

    internal static Pipeline To<T>(this Source<T> source, Operator<T, Unit> sink) => new(source.Then(sink));
}

/// <param name="given">The function.</param>
/// <param name="exclusive">Why it is not called by several threads at a time; null if it may be.</param>
internal sealed class ActionSink<T>(Action<T> given, string? exclusive = null) : Operator<T, Unit>
{
    private readonly Action<T> function = AsyncVoid.Refuse(given);

    public override string Kind => "sink";

    public override Delegate Function => function;

    public override string? Exclusive => exclusive;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next) => new ActionSinkStage<T>(context, next, function);
}

/// <param name="function">The function in its widest form.</param>
/// <param name="original">The function as the user wrote it, for its name.</param>
/// <param name="needsTickets">Whether the user's function takes the <see cref="ItemContext"/>.</param>
internal sealed class AsyncActionSink<T>(
    Func<T, ItemContext, CancellationToken, ValueTask> function, Delegate original, bool needsTickets = true) : Operator<T, Unit>
{
    public override string Kind => "sink";

    public override Delegate Function => original;

    public override bool IsAsynchronous => true;

    public override bool NeedsTickets => needsTickets;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next) => new AsyncActionSinkStage<T>(context, next, function);
}

internal sealed class AsyncActionSinkStage<T>(
    StageContext context, Inlet<Unit> next, Func<T, ItemContext, CancellationToken, ValueTask> function) : Stage<T, Unit>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        long call = Context.Call.Begin();
        try
        {
            ValueTask pending = function(item, new ItemContext(Context, ticket, call), Context.Token);
            if (!pending.IsCompletedSuccessfully) return AwaitAsync(pending, item, ticket, call);
            pending.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            Context.Call.End(call, ticket, hasFailed: true);
            throw Context.Failure(e, item, ticket);
        }
        Context.Call.End(call, ticket);
        return End(ticket);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pending, T item, Ticket? ticket, long call)
    {
        Context.IsSuspended = true;
        try
        {
            await pending;
        }
        catch (Exception e)
        {
            Context.Call.End(call, ticket, hasFailed: true);
            throw Context.Failure(e, item, ticket);
        }
        finally
        {
            Context.IsSuspended = false;
        }
        Context.Call.End(call, ticket);
        await End(ticket);
    }
}
