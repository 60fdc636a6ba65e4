using System.Threading.Channels;
using Sluice.Pipelines;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source of the items of a channel. It ends when the channel completes, and fails if the channel completes with an exception.
    /// </summary>
    /// <remarks>
    /// After a drain or a cancellation, items that were not taken stay in the channel. Several runs may read a channel at once: each item
    /// goes to one of them.
    /// </remarks>
    public static Source<T> From<T>(ChannelReader<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new PumpSource<T>((context, next) => new ChannelPump<T>(context, next, items));
    }
}

internal sealed class ChannelPump<T>(StageContext context, Inlet<T> next, ChannelReader<T> items) : SourcePump<T>(context, next)
{
    protected override async ValueTask ProduceAsync()
    {
        while (!IsStopped)
        {
            while (!IsStopped && items.TryRead(out T? item))
            {
                await Flushed(EmitAsync(item));
            }
            if (IsStopped || !await HasMoreAsync()) return;
        }
    }

    private async ValueTask<bool> HasMoreAsync()
    {
        try
        {
            Task<bool> more = items.WaitToReadAsync(StopToken).AsTask();
            if (await ArrivesAsync(more)) return await more;
            LeaveBehind(more);
            return false;
        }
        catch (OperationCanceledException) when (IsStopped)
        {
            return false;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }
}
