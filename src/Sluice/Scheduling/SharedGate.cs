namespace Sluice.Scheduling;

/// <summary>Many may be inside at once, or one who has closed it.</summary>
/// <remarks>Thread-safe. While somebody waits to close it, nobody new comes in.</remarks>
internal sealed class SharedGate
{
    private readonly Lock sync = new();
    private int inside;
    private TaskCompletionSource? opened;            // while it is closed, or to be closed
    private TaskCompletionSource? emptied;

    public async ValueTask EnterAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task wait;
            lock (sync)
            {
                if (opened is null)
                {
                    inside++;
                    return;
                }
                wait = opened.Task;
            }
            await wait.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    public void Leave()
    {
        lock (sync)
        {
            if (--inside == 0) emptied?.TrySetResult();
        }
    }

    /// <summary>Waits for something outside, so that nobody who closes it waits for that; inside again when it ends, however it
    /// does.</summary>
    public async Task WaitOutsideAsync(Task something)
    {
        Leave();
        try
        {
            await something.ConfigureAwait(false);
        }
        finally
        {
            await EnterAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Closes it, when all have left; open again when the result is disposed. One at a time.</summary>
    public async Task<IDisposable> CloseAsync(CancellationToken cancellation)
    {
        Task wait;
        lock (sync)
        {
            if (opened is not null) throw new InvalidOperationException("The gate is closed already.");
            opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
            emptied = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (inside == 0) emptied.TrySetResult();
            wait = emptied.Task;
        }
        var closed = new Closed(this);
        try
        {
            await wait.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            closed.Dispose();
            throw;
        }
        return closed;
    }

    private sealed class Closed(SharedGate gate) : IDisposable
    {
        public void Dispose()
        {
            TaskCompletionSource? open;
            lock (gate.sync) (open, gate.opened, gate.emptied) = (gate.opened, null, null);
            open?.TrySetResult();
        }
    }
}
