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
        current.Begin(scope);
        ValueTask pushed;
        try
        {
            pushed = Next.PushAsync(item, ticket);
        }
        finally
        {
            current.IsOver = true;
            if (scope is not null) CurrentItemScope.Call(Context, scope, static scope => scope.Dispose());
        }
        if (pushed.IsCompleted) current.Begin(null);
        return pushed;
    }

    protected override ValueTask OnCompleteAsync()
    {
        current.Begin(null);                         // outputs at completion belong to no item
        return Next.CompleteAsync();
    }
}

/// <summary>Suspends the scope of an item while an output is on its way further down.</summary>
internal sealed class ScopeOutput<T>(StageContext context, Inlet<T> next, CurrentItemScope current) : PassThrough<T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        if (current.Scope is not { } scope) return Next.PushAsync(item, ticket);
        try
        {
            scope.Suspend();
        }
        catch (Exception e) when (current.IsOver)
        {
            CurrentItemScope.Warn(Context, e);
        }
        catch (Exception e)
        {
            Context.Out--;                           // counted by the stage, and not out yet
            throw Context.Failure(e, item, ticket, isPartial: true);       // the item is not what has entered the node
        }
        ValueTask pushed = Next.PushAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed, scope);
        CurrentItemScope.Call(Context, scope, static scope => scope.Continue());
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pushed, ItemScope scope)
    {
        await pushed;
        CurrentItemScope.Call(Context, scope, static scope => scope.Continue());
    }
}

/// <summary>The scope of the item that an instance of a stage works on.</summary>
internal sealed class CurrentItemScope
{
    private volatile bool isOver;

    public ItemScope? Scope { get; private set; }

    /// <summary>Whether the code has returned, and the scope is disposed or is being disposed. The code may go on asynchronously.</summary>
    public bool IsOver { get => isOver; set => isOver = value; }

    public void Begin(ItemScope? scope) => (Scope, isOver) = (scope, false);

    /// <summary>Calls a scope whose item may have ended: a failure is a warning.</summary>
    public static void Call(StageContext context, ItemScope scope, Action<ItemScope> call)
    {
        try
        {
            call(scope);
        }
        catch (Exception e)
        {
            Warn(context, e);
        }
    }

    /// <summary>Warns of a failure that is not one of the item.</summary>
    public static void Warn(StageContext context, Exception failure) => context.Run.WarnOnce(context.Node, name
        => $"The scope of an item at '{name}' could not be suspended, continued or ended: {FailureText.Of(failure)} The item goes on. "
            + $"Further failures of scopes there are not told.");
}
