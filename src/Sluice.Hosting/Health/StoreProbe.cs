using Sluice.Diagnostics;

namespace Sluice.Hosting;

/// <summary>Asks the store whether it answers, and how old the oldest items are, within a limited time.</summary>
/// <remarks>Thread-safe. At most one question is open at a time: while the store hangs, further checks wait for the same answer, each up to
/// its own limit.</remarks>
internal sealed class StoreProbe(HostStore store, HealthOptions limits, TimeProvider time)
{
    private const int Together = 2;                  // each with the reads of several partitions: commits need connections, too

    private readonly Lock sync = new();
    private readonly StoreInspector inspector = new(store, time);
    private Task<IReadOnlyDictionary<string, OldestItem>>? open;

    /// <summary>Returns the ages of the oldest items of consecutors, if they are limited.</summary>
    /// <exception cref="TimeoutException">The store did not answer in time.</exception>
    /// <exception cref="StreamStoreException">The store has failed.</exception>
    public async Task<IReadOnlyDictionary<string, OldestItem>> AskAsync(IReadOnlyCollection<string> consecutors,
        CancellationToken cancellation)
    {
        Task<IReadOnlyDictionary<string, OldestItem>> answer;
        lock (sync)
        {
            if (open is null or { IsCompleted: true }) open = AskAsync(consecutors);
            answer = open;
        }
        try
        {
            return await answer.WaitAsync(limits.StoreTimeout, time, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException late) when (!answer.IsCompleted)
        {
            throw new TimeoutException($"it is silent for {Amounts.Exactly(limits.StoreTimeout)} (HealthOptions.StoreTimeout).", late);
        }
    }

    private async Task<IReadOnlyDictionary<string, OldestItem>> AskAsync(IReadOnlyCollection<string> consecutors)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);       // a store may block its caller
        await store.FindStreamAsync("sluice health").ConfigureAwait(false);
        var found = new Dictionary<string, OldestItem>(StringComparer.Ordinal);
        if (limits.MaxOutstandingDuration is null) return found;
        DateTimeOffset now = await store.GetTimeAsync().ConfigureAwait(false);
        // Calls that are made together share a round trip: a store that is some milliseconds away is not silent.
        foreach (string[] some in consecutors.Chunk(Together))
            foreach ((string name, OldestItem? oldest) in await Task.WhenAll(some.Select(name => FindAsync(name, now)))
                .ConfigureAwait(false))
                if (oldest is { } item) found[name] = item;
        return found;
    }

    private async Task<(string Name, OldestItem? Oldest)> FindAsync(string name, DateTimeOffset now)
    {
        try
        {
            if (await inspector.FindOldestAsync(new(name, name)).ConfigureAwait(false) is not { } accepted) return (name, null);
            return (name, new(accepted < now ? now - accepted : TimeSpan.Zero, null));       // it may have been accepted since
        }
        catch (StreamStoreException e)
        {
            return (name, new(default, e.Message));           // damage in one stream says nothing about the others
        }
    }
}

/// <summary>The oldest item of a consecutor that has not ended.</summary>
/// <param name="Age">The time since it was accepted.</param>
/// <param name="Problem">Why it cannot be read; null if it can.</param>
internal readonly record struct OldestItem(TimeSpan Age, string? Problem);
