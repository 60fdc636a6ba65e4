using System.Threading.Channels;

namespace Sluice;

public static partial class Source
{
    /// <summary>The items of a channel, until it completes; it fails when the channel was completed with an exception.</summary>
    /// <remarks>What a drained or cancelled run has not taken stays in the channel. Runs that read one channel at the same time share its items out among them.</remarks>
    public static Source<T> From<T>(ChannelReader<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new ChannelSource<T>(items, StageOptions.Default);
    }
}

internal sealed class ChannelSource<T>(ChannelReader<T> items, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => "source";

    private protected override Source<T> With(StageOptions annotated) => new ChannelSource<T>(items, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new ChannelPump<T>(context, next, items);
}

internal sealed class ChannelPump<T>(StageContext context, Inlet<T> next, ChannelReader<T> items) : SourcePump<T>(context, next)
{
    protected override async ValueTask ProduceAsync()
    {
        while (!IsStopped)
        {
            while (!IsStopped && items.TryRead(out T? item))
            {
                ValueTask pushed = EmitAsync(item);
                if (pushed.IsCompletedSuccessfully) continue;
                Flush();
                await pushed;
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
            Run.Abandon(more, Node);
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
