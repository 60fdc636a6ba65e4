namespace Sluice;

/// <summary>Something has happened: one party waits for it, any other says so. Said while nobody waits, it is remembered.</summary>
/// <remarks>Thread-safe. The waiting party looks for work after each wait, so several signals may become one.</remarks>
internal sealed class Signal
{
    private readonly Lock sync = new();
    private bool isSet;
    private TaskCompletionSource? waiting;

    /// <summary>Cheap while it is set already. The caller has made the work visible before, with a full fence.</summary>
    public void Set()
    {
        if (Volatile.Read(ref isSet)) return;
        TaskCompletionSource? woken;
        lock (sync)
        {
            if (isSet) return;
            if (waiting is null) Volatile.Write(ref isSet, true);
            (woken, waiting) = (waiting, null);
        }
        woken?.TrySetResult();
    }

    /// <summary>Completes at the next signal; at once if there was one since the last wait.</summary>
    public Task WaitAsync()
    {
        lock (sync)
        {
            if (isSet)
            {
                Volatile.Write(ref isSet, false);
                Interlocked.MemoryBarrier();         // before the work is looked for
                return Task.CompletedTask;
            }
            waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return waiting.Task;
        }
    }
}
