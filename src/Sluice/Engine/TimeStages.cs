using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>In front of a stage whose time is recorded: an item goes in, and has left.</summary>
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

/// <summary>Behind a stage whose time is recorded: while an item is on its way further down, the stage's time stands still.</summary>
internal sealed class TimeOutput<T>(StageContext context, Inlet<T> next) : PassThrough<T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        bool goesOn = Context.EndTime();             // not where the stage puts something out by itself, after some time
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
