namespace Sluice.Engine;

/// <summary>Starts to measure a stage's time when an item enters, and ends when the item has left.</summary>
internal sealed class TimeInput<T>(StageContext context, Inlet<T> stage) : PassThrough<T>(context, stage), IWraps
{
    public object Inner => Next;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        long before = Context.RecordedTicks;
        Context.BeginTime();
        ValueTask pushed;
        try
        {
            pushed = Next.PushAsync(item, ticket);
        }
        catch
        {
            Context.EndTimeOf(item, before);
            throw;
        }
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed, item, before);
        Context.EndTimeOf(item, before);
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        Context.BeginTime();
        return AwaitEndAsync(Next.CompleteAsync());
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pushed, T item, long before)
    {
        try
        {
            await pushed;
        }
        finally
        {
            Context.EndTimeOf(item, before);
        }
    }

    private async ValueTask AwaitEndAsync(ValueTask completed)
    {
        try
        {
            await completed;
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
