using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>Limits how many functions work at a time in a service (<see cref="SupervisorOptions.MaxConcurrency"/>).</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ExecutionSlots(int? count) : IDisposable
{
    private readonly SemaphoreSlim? free = count is { } most ? new(most) : null;

    /// <summary>Makes the slot of one function.</summary>
    /// <param name="limit">The time limit of the function; null for none.</param>
    /// <param name="taken">Called whenever the function has got its slot.</param>
    /// <param name="life">Cancelled when the function is to stop.</param>
    public ExecutionSlot Make(FunctionTimeout? limit, Action taken, CancellationToken life) => new(free, limit, taken, life);

    public void Dispose() => free?.Dispose();
}

/// <summary>
/// The slot of one function. The function gives it up while it waits, in one place or several, and takes it again before it continues.
/// </summary>
/// <remarks>
/// It waits for the store, or for a run that it awaits. In a merge, the function waits when no stream has a value; reads ahead are no
/// waits. A function in another process says when it waits; one of an older version does not, and there each read is a wait.
/// Thread-safe: an asynchronous lock puts changes in order.
/// </remarks>
internal sealed class ExecutionSlot(SemaphoreSlim? free, FunctionTimeout? limit, Action taken, CancellationToken life)
{
    private static readonly AsyncLocal<ExecutionSlot?> Ambient = new();

    private readonly AsyncLock changing = new();
    private int waits;
    private int runsAwaited;
    private bool isHeld;
    private volatile bool hasEnded;

    /// <summary>The time limit of the function; null if it has none.</summary>
    public FunctionTimeout? Limit => limit;

    /// <summary>The slot of the calling function; null outside of functions, and without limits.</summary>
    public static ExecutionSlot? Current => Ambient.Value is { hasEnded: false } slot ? slot : null;

    /// <summary>Makes this the current slot in the caller's asynchronous flow of control.</summary>
    public void Use()
    {
        if (free is not null || limit is not null) Ambient.Value = this;
    }

    /// <summary>Takes the slot if it is free. Before all other calls.</summary>
    public bool TryEnter()
    {
        if (free is not null && !free.Wait(0)) return false;
        isHeld = free is not null;
        taken();
        return true;
    }

    public Task EnterAsync(CancellationToken cancellation) => free is null ? Task.CompletedTask : ChangeAsync(0, cancellation);

    /// <summary>Gives the slot up: the function waits.</summary>
    public async ValueTask RestAsync(CancellationToken cancellation)
    {
        if (free is not null) await ChangeAsync(1, cancellation).ConfigureAwait(false);
        limit?.Rest();
    }

    /// <summary>Takes the slot again: the function continues. Waits for it until the function is to stop.</summary>
    public async ValueTask GoOnAsync()
    {
        try
        {
            if (free is not null) await ChangeAsync(-1, life).ConfigureAwait(false);
        }
        finally
        {
            limit?.GoOn();
        }
    }

    /// <summary>Restarts the time limit: the function begins its next item.</summary>
    public void BeginItem() => limit?.Restart();

    /// <summary>Whether the function waits for a run that it has started, or for its results.</summary>
    public bool AwaitsRun => Volatile.Read(ref runsAwaited) > 0;

    /// <summary>Begins and ends a wait for another run.</summary>
    public void BeginRun() => Interlocked.Increment(ref runsAwaited);

    /// <inheritdoc cref="BeginRun"/>
    public void EndRun() => Interlocked.Decrement(ref runsAwaited);

    /// <summary>Awaits another run, which may need the slot itself.</summary>
    public async Task WaitForRunAsync(Task run)
    {
        BeginRun();
        try
        {
            await WaitAsync(run).ConfigureAwait(false);
        }
        finally
        {
            EndRun();
        }
    }

    /// <summary>Awaits a task that may need the slot itself.</summary>
    public async Task WaitAsync(Task waited)
    {
        if (waited.IsCompleted)
        {
            await waited.ConfigureAwait(false);
            return;
        }
        await RestAsync(life).ConfigureAwait(false);
        try
        {
            await waited.ConfigureAwait(false);
        }
        finally
        {
            await GoOnAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Begins a task and awaits it. The time limit rests before the task begins, as others may see at once that it has.</summary>
    public async Task WaitAsync(Func<Task> begin)
    {
        limit?.Rest();
        try
        {
            await WaitAsync(begin()).ConfigureAwait(false);
        }
        finally
        {
            limit?.GoOn();
        }
    }

    /// <summary>Returns the slot for good. Readers that the function has left behind take no slot any more.</summary>
    public async Task LeaveAsync()
    {
        hasEnded = true;
        if (free is null) return;
        await changing.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        Release();
        changing.Leave();
    }

    /// <summary>Returns the slot, if it is held, and ends the time limit. The last call.</summary>
    public async Task EndAsync()
    {
        await LeaveAsync().ConfigureAwait(false);
        limit?.Dispose();
    }

    private void Release()
    {
        if (!isHeld) return;
        isHeld = false;
        free!.Release();
    }

    private async Task ChangeAsync(int by, CancellationToken cancellation)
    {
        await changing.EnterAsync(cancellation).ConfigureAwait(false);
        try
        {
            waits += by;
            if (waits > 0) Release();
            else if (!isHeld && !hasEnded)
            {
                await free!.WaitAsync(cancellation).ConfigureAwait(false);
                isHeld = true;
                taken();
            }
        }
        finally
        {
            changing.Leave();
        }
    }
}
