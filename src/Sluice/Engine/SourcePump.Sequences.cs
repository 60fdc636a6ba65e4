namespace Sluice.Engine;

// For sources that read asynchronous sequences.
internal abstract partial class SourcePump<T>
{
    /// <summary>Awaits a move to the next item of a sequence.</summary>
    /// <returns>Whether there is an item; null if the sequence answered a stop with a cancellation.</returns>
    protected async ValueTask<bool?> MovedAsync(ValueTask<bool> moving)
    {
        try
        {
            return await moving;
        }
        catch (OperationCanceledException) when (IsStopped)
        {
            return null;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <summary>Disposes a sequence. An exception is a failure of the source. If no more items are wanted, its token is cancelled: a
    /// cancellation is no failure then, and a disposal that has not returned is left behind.</summary>
    protected async ValueTask DisposeAsync(IAsyncDisposable sequence)
    {
        try
        {
            ValueTask disposing = sequence.DisposeAsync();
            if (disposing.IsCompletedSuccessfully) return;
            Task disposal = disposing.AsTask();
            if (await ArrivesAsync(disposal)) await disposal;
            else LeaveBehind(disposal);
        }
        catch (OperationCanceledException) when (IsStopped)
        {
            // what the disposal did with the token was cut off
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <summary>Disposes a sequence after a move that the pump does not await any more. If the move or the disposal throws, the source has
    /// failed, unless it is a cancellation, which answers the stop.</summary>
    protected static async Task DisposeAfterAsync(Task<bool> move, IAsyncDisposable sequence)
    {
        try
        {
            await move;
        }
        catch (OperationCanceledException)
        {
            // it has honoured its token
        }
        finally
        {
            await DisposeLateAsync(sequence);
        }
    }

    /// <summary>Disposes a sequence after a stop. A cancellation is no failure: the token is cancelled.</summary>
    protected static async Task DisposeLateAsync(IAsyncDisposable sequence)
    {
        try
        {
            await sequence.DisposeAsync();
        }
        catch (OperationCanceledException)
        {
            // what the disposal did with the token was cut off
        }
    }
}
