namespace Sluice;

/// <summary>How many functions are at work at a time.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ExecutionSlots(int? count) : IDisposable
{
    private readonly SemaphoreSlim? free = count is { } most ? new(most) : null;

    /// <summary>The slot of one function.</summary>
    public ExecutionSlot Make() => new(free);

    public void Dispose() => free?.Dispose();
}

/// <summary>The slot of a function: given back while it waits for the store, in one place or in several, and taken again before it goes on. While it merges, what it waits for ahead counts as waiting, too.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ExecutionSlot(SemaphoreSlim? free)
{
    private readonly AsyncLock changing = new();
    private int waits;
    private bool isHeld;
    private volatile bool hasEnded;

    public Task EnterAsync(CancellationToken cancellation) => free is null ? Task.CompletedTask : ChangeAsync(0, cancellation);

    /// <summary>The function waits.</summary>
    public Task RestAsync(CancellationToken cancellation) => free is null ? Task.CompletedTask : ChangeAsync(1, cancellation);

    /// <summary>The function goes on.</summary>
    public Task GoOnAsync(CancellationToken cancellation) => free is null ? Task.CompletedTask : ChangeAsync(-1, cancellation);

    /// <summary>It has ended: readings that it has left behind take no slot any more.</summary>
    public async Task LeaveAsync()
    {
        if (free is null) return;
        hasEnded = true;
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
