namespace Sluice;

/// <summary>Waits for room in a full stream, inside of the gate of appends, as one who is known to wait.</summary>
/// <remarks>One party waits. Dispose it when the append has ended.</remarks>
internal sealed class RoomWait : IDisposable
{
    private readonly ConsecutorCore core;
    private long? seen;

    public RoomWait(ConsecutorCore core)
    {
        this.core = core;
        core.Sends.BeginWait();
    }

    /// <summary>Looks once more after having taken note of where the changes are, then waits for the next one.</summary>
    /// <param name="full">What the store has answered.</param>
    /// <param name="until">How long to wait, as a timestamp of the clock.</param>
    /// <param name="waits">Called when there is something to wait for.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="NoRoomException">The time is over.</exception>
    public async Task WaitAsync(AppendResult full, long until, Action? waits = null, CancellationToken cancellation = default)
    {
        if (core.Time.GetTimestamp() >= until) throw new NoRoomException { RetryAfter = full.RetryAfter };
        if (seen is { } before)
        {
            waits?.Invoke();
            await core.Accepting.WaitOutsideAsync(ChangeAsync(before, full.RetryAfter, until, cancellation)).ConfigureAwait(false);
            seen = null;
        }
        else seen = await core.Store.WaitForChangeAsync(core.Name, -1, core.Life).ConfigureAwait(false);
    }

    public void Dispose() => core.Sends.EndWait();

    private async Task ChangeAsync(long before, TimeSpan? retryAfter, long until, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(core.Life, cancellation);
        Task change = core.Store.WaitForChangeAsync(core.Name, before, over.Token).AsTask();
        TimeSpan? longest = until == long.MaxValue ? retryAfter : Shorter(retryAfter, core.Time.GetElapsedTime(core.Time.GetTimestamp(), until));
        Task first = longest is { } wait ? await Task.WhenAny(change, Task.Delay(wait < TimeSpan.Zero ? TimeSpan.Zero : wait, core.Time, over.Token)).ConfigureAwait(false) : change;
        await first.ConfigureAwait(first == change ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.SuppressThrowing);
        if (first != change)
        {
            await over.CancelAsync().ConfigureAwait(false);
            await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        core.Life.ThrowIfCancellationRequested();
        cancellation.ThrowIfCancellationRequested();
    }

    private static TimeSpan Shorter(TimeSpan? one, TimeSpan other) => one < other ? one.Value : other;
}

/// <summary>There was no room in the stream for as long as the sender wanted to wait; nothing was accepted.</summary>
internal sealed class NoRoomException() : Exception("The stream is full.")
{
    /// <summary>When the store says that there may be room, if it does.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
