namespace Sluice.Scheduling;

/// <summary>An auto-reset event with one waiting party. A signal is remembered while nothing waits.</summary>
/// <remarks>Thread-safe. Several signals may become one, so the waiting party looks for work after each wait.</remarks>
internal sealed class Signal
{
    private readonly Lock sync = new();
    private bool isSet;
    private TaskCompletionSource? waiting;

    /// <summary>Signals; cheap if the signal is already set. The caller makes its work visible before, with a full fence.</summary>
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
                Interlocked.MemoryBarrier();         // before the caller looks for work
                return Task.CompletedTask;
            }
            waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return waiting.Task;
        }
    }
}
