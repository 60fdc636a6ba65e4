namespace Sluice.Flows;

// Waits for values: the slot of the function is free meanwhile, unless the function may be at work.
internal sealed partial class InputPort
{
    private volatile bool hasTaken;

    /// <summary>Called in a wait for a value, with the task that ends when the stream has changed, and with whether a merge reads ahead;
    /// null for nothing.</summary>
    public Func<Task, bool, Task>? OnWaiting { get; init; }

    /// <summary>Called when a reader here takes the first value; null for nothing.</summary>
    public Func<Task>? OnFirstValue { get; init; }

    /// <summary>Whether a reader here has taken a value.</summary>
    public bool HasTaken => hasTaken;

    /// <summary>Notes that a reader here takes values.</summary>
    public async ValueTask TakeAsync()
    {
        if (hasTaken) return;
        hasTaken = true;
        if (OnFirstValue is { } told) await told().ConfigureAwait(false);
    }

    /// <summary>Whether all readers here wait for a value, or have ended.</summary>
    public bool IsIdle
    {
        get
        {
            lock (sync) return Volatile.Read(ref waiting) >= active.Count(static reader => !reader.HasEnded);
        }
    }

    /// <summary>Begins a wait for a value, which ends when the result is disposed.</summary>
    /// <param name="keepsSlot">Whether the function keeps its slot, as it may be at work; otherwise the slot is free meanwhile.</param>
    /// <param name="cancellation">Ends it.</param>
    public async ValueTask<IAsyncDisposable> RestAsync(bool keepsSlot, CancellationToken cancellation)
    {
        ExecutionSlot? resting = keepsSlot ? null : Slot;
        if (resting is not null) await resting.RestAsync(cancellation).ConfigureAwait(false);
        Interlocked.Increment(ref waiting);
        if (slot is null) resting?.BeginRun();
        return new Rest(this, resting);
    }

    public Task WaitAsync(Task waited, IReadOnlyList<PortReader> readers, CancellationToken cancellation)
        => Slot is not { } resting ? waited
            : readers.Any(static reader => reader.Port is InputPort { slot: null }) ? resting.WaitForRunAsync(waited)
            : resting.WaitAsync(waited);

    public bool WaitsWith(IInputPort other) => other is InputPort;

    // A function that reads results of a run it has started gives up its own slot, too.
    private ExecutionSlot? Slot => slot ?? ExecutionSlot.Current;

    private sealed class Rest(InputPort port, ExecutionSlot? resting) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref port.waiting);
            if (port.slot is null) resting?.EndRun();
            if (resting is not null) await resting.GoOnAsync().ConfigureAwait(false);          // also after a cancelled wait
        }
    }
}
