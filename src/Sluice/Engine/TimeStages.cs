namespace Sluice.Engine;

/// <summary>Starts to measure a stage's time when an item enters, and ends when the item has left.</summary>
internal sealed class TimeInput<T>(StageContext context, Inlet<T> stage) : PassThrough<T>(context, stage), IWraps
{
    public object Inner => Next;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.BeginTime();
        ValueTask pushed;
        try
        {
            pushed = Next.PushAsync(item, ticket);
        }
        catch
        {
            Context.EndTime();
            throw;
        }
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed);
        Context.EndTime();
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        Context.BeginTime();
        return AwaitAsync(Next.CompleteAsync());
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pushed)
    {
        try
        {
            await pushed;
        }
        finally
        {
            Context.EndTime();
        }
    }
}

/// <summary>Pauses the measurement while an output is on its way further down.</summary>
internal sealed class TimeOutput<T>(StageContext context, Inlet<T> next) : PassThrough<T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        bool goesOn = Context.EndTime();             // false if a timer of the stage put the item out
        ValueTask pushed = Next.PushAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed, goesOn);
        if (goesOn) Context.BeginTime();
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        Context.EndTime();
        return Next.CompleteAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pushed, bool goesOn)
    {
        await pushed;
        if (goesOn) Context.BeginTime();
    }
}
