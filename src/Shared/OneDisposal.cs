namespace Sluice.Shared;

/// <summary>Runs a disposal once. A later call returns when the first one has ended: then nothing is in use any more.</summary>
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
