namespace Sluice.Shared;

/// <summary>A disposal that runs once. Later calls end with the first one, so that whoever disposed second finds nothing in use.</summary>
/// <remarks>Thread-safe. A call from inside of the disposal would wait for itself.</remarks>
internal sealed class OneDisposal
{
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int hasBegun;

    public bool HasBegun => Volatile.Read(ref hasBegun) != 0;

    public async ValueTask RunAsync(Func<Task> dispose)
    {
        if (Interlocked.Exchange(ref hasBegun, 1) != 0)
        {
            await over.Task.ConfigureAwait(false);
            return;
        }
        try
        {
            await dispose().ConfigureAwait(false);
        }
        finally
        {
            over.SetResult();
        }
    }
}
