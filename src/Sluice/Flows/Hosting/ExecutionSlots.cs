namespace Sluice;

/// <summary>How many functions are at work at a time.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ExecutionSlots(int? count) : IDisposable
{
    private readonly SemaphoreSlim? free = count is { } most ? new(most) : null;

    /// <summary>The slot of one function.</summary>
    /// <param name="limit">How long it may work; null if that is not bounded.</param>
    /// <param name="life">Ends when the function need not go on.</param>
    public ExecutionSlot Make(FunctionTimeout? limit, CancellationToken life) => new(free, limit, life);

    public void Dispose() => free?.Dispose();
}

/// <summary>
/// The slot of a function: given back while it waits for the store or for a run of its own, in one place or in several, and taken again before it goes on. While it merges, what it waits for ahead counts as waiting, too.
/// </summary>
/// <remarks>Thread-safe: changes go one after the other, by an asynchronous lock.</remarks>
internal sealed class ExecutionSlot(SemaphoreSlim? free, FunctionTimeout? limit, CancellationToken life)
{
    private static readonly AsyncLocal<ExecutionSlot?> Ambient = new();

    private readonly AsyncLock changing = new();
    private int waits;
    private bool isHeld;
    private volatile bool hasEnded;

    /// <summary>The slot of the function that calls; null outside of functions, and where nobody counts.</summary>
    public static ExecutionSlot? Current => Ambient.Value is { hasEnded: false } slot ? slot : null;

    /// <summary>What is called from here on, in this flow of control, is of the function.</summary>
    public void Use()
    {
        if (free is not null || limit is not null) Ambient.Value = this;
    }

    public Task EnterAsync(CancellationToken cancellation) => free is null ? Task.CompletedTask : ChangeAsync(0, cancellation);

    /// <summary>The function waits.</summary>
    public async ValueTask RestAsync(CancellationToken cancellation)
    {
        if (free is not null) await ChangeAsync(1, cancellation).ConfigureAwait(false);
        limit?.Rest();
    }

    /// <summary>The function goes on.</summary>
    public async ValueTask GoOnAsync(CancellationToken cancellation)
    {
        try
        {
            if (free is not null) await ChangeAsync(-1, cancellation).ConfigureAwait(false);
        }
        finally
        {
            limit?.GoOn();
        }
    }

    /// <summary>The function begins with the next item.</summary>
    public void BeginItem() => limit?.Restart();

    /// <summary>The function waits for something that may need its slot.</summary>
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
            await GoOnAsync(life).ConfigureAwait(false);
        }
    }

    /// <summary>It has ended: readings that it has left behind take no slot any more.</summary>
    public async Task LeaveAsync()
    {
        hasEnded = true;
        if (free is null) return;
        await changing.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        Release();
        changing.Leave();
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
            }
        }
        finally
        {
            changing.Leave();
        }
    }
}
