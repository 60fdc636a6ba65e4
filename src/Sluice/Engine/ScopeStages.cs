namespace Sluice.Engine;

/// <summary>Begins the scope of an item when it enters a stage.</summary>
/// <remarks>
/// The scope is disposed when the push returns, also if the stage goes on asynchronously: an <see cref="AsyncLocal{T}"/> that the scope has
/// set must not reach the caller, and the stage's continuation has it in its own execution context.
/// </remarks>
internal sealed class ScopeInput<T>(StageContext context, Inlet<T> stage, Func<ItemContext, ItemScope?> begin, CurrentItemScope current)
    : PassThrough<T>(context, stage), IWraps
{
    public object Inner => Next;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        ItemScope? scope;
        try
        {
            scope = begin(new ItemContext(Context, ticket));
        }
        catch (Exception e)
        {
            Context.In++;                            // it has come this far: the stage itself will not see it
            throw Context.Failure(e, item, ticket);
        }
        current.Scope = scope;
        ValueTask pushed;
        try
        {
            pushed = Next.PushAsync(item, ticket);
        }
        finally
        {
            scope?.Dispose();
        }
        if (pushed.IsCompleted) current.Scope = null;
        return pushed;
    }

    protected override ValueTask OnCompleteAsync()
    {
        current.Scope = null;                        // outputs at completion belong to no item
        return Next.CompleteAsync();
    }
}

/// <summary>Suspends the scope of an item while an output is on its way further down.</summary>
internal sealed class ScopeOutput<T>(StageContext context, Inlet<T> next, CurrentItemScope current) : PassThrough<T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        if (current.Scope is not { } scope) return Next.PushAsync(item, ticket);
        scope.Suspend();
        ValueTask pushed = Next.PushAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed, scope);
        scope.Continue();
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask AwaitAsync(ValueTask pushed, ItemScope scope)
    {
        await pushed;
        scope.Continue();
    }
}

/// <summary>The scope of the item that an instance of a stage works on.</summary>
internal sealed class CurrentItemScope
{
    public ItemScope? Scope { get; set; }
}
