namespace Sluice.Engine;

/// <summary>Starts to measure a stage's time when an item enters, and ends when the item has left.</summary>
internal sealed class TimeInput<T>(StageContext context, Inlet<T> stage) : PassThrough<T>(context, stage), IWraps
{
    private readonly StageTimes times = context.Times!;

    public object Inner => Next;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        long before = times.Ticks;
        times.Begin();
        ValueTask pushed;
        try
        {
            pushed = Next.PushAsync(item, ticket);
        }
        catch
        {
            times.EndOf(item, before);
            throw;
        }
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed, item, before);
        times.EndOf(item, before);
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        times.Begin();
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
            times.EndOf(item, before);
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
            times.End();
        }
    }
}

/// <summary>Pauses the measurement while an output is on its way further down.</summary>
internal sealed class TimeOutput<T>(StageContext context, Inlet<T> next) : PassThrough<T>(context, next)
{
    private readonly StageTimes times = context.Times!;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        bool goesOn = times.End();             // false if a timer of the stage put the item out
        ValueTask pushed = Next.PushAsync(item, ticket);
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed, goesOn);
        if (goesOn) times.Begin();
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        times.End();
        return Next.CompleteAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask pushed, bool goesOn)
    {
        await pushed;
        if (goesOn) times.Begin();
    }
}
