using System.Threading.Channels;

namespace Sluice;

/// <summary>A source into which others push: what they push rests in a bounded channel until the pipeline takes it.</summary>
/// <remarks>
/// What has been accepted goes through a drain: the channel is closed first, then emptied. Writers run on any thread.
/// </remarks>
internal abstract class IntakePump<T>(StageContext context, Inlet<T> next, int? capacity) : SourcePump<T>(context, next)
{
    private Channel<T>? made;

    /// <summary>Takes an item if there is room. Any thread, once the pump is open; also the two below.</summary>
    /// <returns>Whether it was accepted.</returns>
    public bool TryAccept(T item)
    {
        if (!Items.Writer.TryWrite(item)) return false;
        WakeUp();
        return true;
    }

    /// <summary>Takes an item as soon as there is room.</summary>
    /// <exception cref="ChannelClosedException">No more is taken; this one was not accepted.</exception>
    public ValueTask AcceptAsync(T item, CancellationToken cancellation = default)
    {
        ValueTask writing = Items.Writer.WriteAsync(item, cancellation);
        if (writing.IsCompleted) WakeUp();           // else the pump is at work: it makes the room, and then finds the item
        return writing;
    }

    /// <summary>No more will come; the failure, if there is one, comes behind what has been accepted.</summary>
    public void Close(Exception? failure = null)
    {
        Items.Writer.TryComplete(failure);
        WakeUp();
    }

    private Channel<T> Items => Volatile.Read(ref made) ?? Make();

    /// <summary>How many items may wait to be taken.</summary>
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
                    ValueTask pushed = mayHandOff && !items.TryPeek(out _) ? EmitLastAsync(item) : EmitAsync(item);
                    if (pushed.IsCompletedSuccessfully) continue;
                    Flush();
                    await pushed;
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

    /// <summary>What happens to an item that comes when the channel is full.</summary>
    protected virtual BoundedChannelFullMode FullMode => BoundedChannelFullMode.Wait;

    /// <summary>Called once, before anything is taken: from here on others may push.</summary>
    protected abstract void Open();

    /// <summary>Called once, when nothing is taken any more.</summary>
    protected abstract ValueTask CloseAsync();

    // By whichever comes first: the pump, or what pushes into it.
    private Channel<T> Make()
    {
        var channel = Channel.CreateBounded<T>(new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = FullMode }, Dropped);
        return Interlocked.CompareExchange(ref made, channel, null) ?? channel;
    }

    private void Dropped(T item) => Interlocked.Increment(ref Context.Skipped);

    /// <summary>Whether it is closed, and empty.</summary>
    /// <remarks>Throws what it was closed with, if that is a failure.</remarks>
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
