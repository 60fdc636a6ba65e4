using System.Threading.Channels;
using Sluice.Scheduling;

namespace Sluice.Producers;

/// <summary>A source that others push items into: the items rest in a bounded channel until the pipeline takes them.</summary>
/// <remarks>
/// Accepted items survive a drain: the channel is closed first, then emptied. Writers run on any thread.
/// </remarks>
internal abstract class IntakePump<T>(StageContext context, Inlet<T> next, int? capacity) : SourcePump<T>(context, next)
{
    private Channel<T>? made;

    /// <summary>Accepts an item if there is room. Any thread, once the pump is open; so do the two methods below.</summary>
    /// <returns>Whether the item was accepted.</returns>
    public bool TryAccept(T item)
    {
        if (!Items.Writer.TryWrite(item)) return false;
        WakeUp();
        return true;
    }

    /// <summary>Accepts an item as soon as there is room.</summary>
    /// <exception cref="ChannelClosedException">The source takes no more items; this one was not accepted.</exception>
    public ValueTask AcceptAsync(T item, CancellationToken cancellation = default)
    {
        ValueTask writing = Items.Writer.WriteAsync(item, cancellation);
        if (writing.IsCompleted) WakeUp();           // otherwise the pump is working, makes the room, and finds the item
        return writing;
    }

    /// <summary>Closes the source. With a failure, the run fails once the accepted items are taken, and gives up those that are in buffers
    /// and lanes then.</summary>
    /// <returns>False if the source is closed already: then the run does not fail, and the caller has to report the failure.</returns>
    public bool Close(Exception? failure = null)
    {
        bool isClosed = Items.Writer.TryComplete(failure);
        WakeUp();
        return isClosed;
    }

    private Channel<T> Items => Volatile.Read(ref made) ?? Make();

    /// <summary>The number of items that may wait to be taken.</summary>
    protected int Capacity => capacity ?? Run.Options.MaxBufferedItems;

    protected sealed override async ValueTask ProduceAsync()
    {
        ChannelReader<T> items = Items.Reader;
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
            using CancellationTokenRegistration stop = StopToken.UnsafeRegister(static pump => ((IntakePump<T>)pump!).Close(), this);
            bool mayHandOff = Next.HandsOn;
            while (true)
            {
                while (items.TryRead(out T? item))
                {
                    Run.ThrowIfStopping();
                    Turn.Publish();
                    await Flushed(mayHandOff && !items.TryPeek(out _) ? EmitLastAsync(item) : EmitAsync(item));
                }
                if (IsClosed()) break;
                Flush();
                Outside.Arm();
                if ((items.TryPeek(out _) || items.Completion.IsCompleted) && Outside.Disarm()) continue;
                IsWaiting = true;
                await Outside.WaitAsync();
                IsWaiting = false;
            }
        }
        finally
        {
            Close();
            await CloseAsync();
        }
    }

    /// <summary>What happens to an item when the channel is full.</summary>
    protected virtual BoundedChannelFullMode FullMode => BoundedChannelFullMode.Wait;

    /// <summary>Called once before any item is taken; others may push from then on.</summary>
    protected abstract void Open();

    /// <summary>Called once after the last item was taken.</summary>
    protected abstract ValueTask CloseAsync();

    // Made by the pump or the first writer, whichever comes first.
    private Channel<T> Make()
    {
        var channel = Channel.CreateBounded<T>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = FullMode }, Dropped);
        return Interlocked.CompareExchange(ref made, channel, null) ?? channel;
    }

    private void Dropped(T item) => Interlocked.Increment(ref Context.Skipped);

    /// <summary>Whether the channel is closed and empty.</summary>
    /// <remarks>Throws the failure that it was closed with, if any.</remarks>
    private bool IsClosed()
    {
        Task completion = Items.Reader.Completion;
        if (!completion.IsCompleted) return false;
        try
        {
            completion.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
        return true;
    }
}
