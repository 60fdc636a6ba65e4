using Sluice.Policies;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <summary>Waits for room in a full stream, inside the gate of appends, and counts the sender as waiting.</summary>
/// <remarks>Used by one sender. Dispose it when the append has ended.</remarks>
internal sealed class RoomWait : IDisposable
{
    private readonly ConsecutorIdentity identity;
    private readonly IStreamStore store;
    private readonly SharedGate accepting;
    private readonly PendingSends sends;
    private readonly ConsecutorLifetime lifetime;
    private long? seen;

    public RoomWait(ConsecutorIdentity identity, IStreamStore store, SharedGate accepting, PendingSends sends, ConsecutorLifetime lifetime)
    {
        (this.identity, this.store, this.accepting, this.sends, this.lifetime) = (identity, store, accepting, sends, lifetime);
        sends.BeginWait();
    }

    /// <summary>Called whenever the stream is full. Calls alternate: the first learns the current position, so that the caller tries once
    /// more; the second waits for a change after that position.</summary>
    /// <param name="full">The answer of the store.</param>
    /// <param name="until">The time until which to wait, as a timestamp of the clock.</param>
    /// <param name="woken">Ends the wait: the caller tries again.</param>
    /// <param name="hurried">The same. Two tasks, and not one made of them: it would stay registered at the one that does not end.</param>
    /// <param name="waits">Called when the wait begins.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task WaitAsync(AppendResult full, long until, Task? woken = null, Task? hurried = null, Action? waits = null,
        CancellationToken cancellation = default)
    {
        if (seen is { } before)
        {
            waits?.Invoke();
            await accepting.WaitOutsideAsync(ChangeAsync(before, full.RetryAfter, until, woken, hurried, cancellation))
                .ConfigureAwait(false);
            seen = null;
        }
        else seen = await store.WaitForChangeAsync(identity.Name, -1, lifetime.Token).ConfigureAwait(false);
    }

    public void Dispose() => sends.EndWait();

    private async Task ChangeAsync(long before, TimeSpan? retryAfter, long until, Task? woken, Task? hurried,
        CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(lifetime.Token, cancellation);
        Task change = store.WaitForChangeAsync(identity.Name, before, over.Token).AsTask();
        TimeSpan? longest = until == long.MaxValue ? retryAfter
            : Shorter(retryAfter, identity.Time.GetElapsedTime(identity.Time.GetTimestamp(), until));
        if (longest < TimeSpan.Zero) longest = TimeSpan.Zero;
        if (longest > Waits.Longest) longest = Waits.Longest;      // no timer takes more; earlier costs one append
        Task late = Task.Delay(longest ?? Timeout.InfiniteTimeSpan, identity.Time, over.Token);
        await Task.WhenAny(change, late, woken ?? late, hurried ?? late).ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);              // also the delay: it would keep its timer
        await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lifetime.Token.ThrowIfCancellationRequested();
        cancellation.ThrowIfCancellationRequested();
        if (change.IsFaulted) await change.ConfigureAwait(false);
    }

    private static TimeSpan Shorter(TimeSpan? one, TimeSpan other) => one < other ? one.Value : other;
}

/// <summary>The stream had no room for as long as the sender wanted to wait. No item was accepted.</summary>
internal sealed class NoRoomException() : Exception("The stream is full.")
{
    /// <summary>How long to wait before trying again; null if the store does not know.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
