using System.Threading.Channels;

namespace Sluice;

/// <summary>A source into which others push: what they push rests in a bounded channel until the pipeline takes it.</summary>
/// <remarks>
/// What has been accepted goes through a drain: the channel is closed first, then emptied. Writers run on any thread.
/// </remarks>
internal abstract class IntakePump<T>(StageContext context, Inlet<T> next, int? capacity) : SourcePump<T>(context, next)
{
    /// <summary>What is pushed; completed when no more is wanted.</summary>
    protected Channel<T> Items { get; private set; } = null!;

    /// <summary>How many items may wait to be taken.</summary>
    protected int Capacity => capacity ?? Run.Options.Capacity;

    protected sealed override async ValueTask ProduceAsync()
    {
        Items = Channel.CreateBounded<T>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = FullMode }, Dropped);
        try
        {
            Open();
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
        try
        {
            using CancellationTokenRegistration stop = StopToken.UnsafeRegister(static items => ((ChannelWriter<T>)items!).TryComplete(), Items.Writer);
            do
            {
                while (Items.Reader.TryRead(out T? item))
                {
                    Run.ThrowIfStopping();
                    ValueTask pushed = EmitAsync(item);
                    if (pushed.IsCompletedSuccessfully) continue;
                    Flush();
                    await pushed;
                }
            }
            while (await HasMoreAsync());
        }
        finally
        {
            Items.Writer.TryComplete();
            await CloseAsync();
        }
    }

    /// <summary>What happens to an item that comes when the channel is full.</summary>
    protected virtual BoundedChannelFullMode FullMode => BoundedChannelFullMode.Wait;

    /// <summary>Called once, before anything is taken: from here on others may push.</summary>
    protected abstract void Open();

    /// <summary>Called once, when nothing is taken any more.</summary>
    protected abstract ValueTask CloseAsync();

    private void Dropped(T item) => Interlocked.Increment(ref Context.Skipped);

    private async ValueTask<bool> HasMoreAsync()
    {
        try
        {
            ValueTask<bool> more = Items.Reader.WaitToReadAsync(CancellationToken.None);
            if (more.IsCompleted) return await more;
            Flush();
            IsWaiting = true;
            try
            {
                return await more;
            }
            finally
            {
                IsWaiting = false;
            }
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }
}
