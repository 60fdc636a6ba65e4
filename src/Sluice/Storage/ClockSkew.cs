namespace Sluice.Storage;

/// <summary>
/// Compares this machine's clock with the store's clock. Sluice never mixes the two; it reports a difference of more than a minute.
/// </summary>
/// <remarks>Thread-safe: the table of stores has its own lock.</remarks>
internal static class ClockSkew
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);
    private static readonly ConditionalWeakTable<IStreamStore, object> Told = [];

    /// <summary>Compares the clocks, and warns about a difference once for each store object.</summary>
    /// <param name="store">The store to ask.</param>
    /// <param name="given">The store object that the application passed.</param>
    /// <param name="time">This machine's clock.</param>
    /// <param name="warn">Receives the warning.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>
    /// The text about the difference, whether it is reported now or was before; null if the clocks agree or the store does not answer.
    /// </returns>
    public static async Task<string?> TellAsync(IStreamStore store, IStreamStore given, TimeProvider time, Action<string> warn,
        CancellationToken cancellation)
    {
        string? skew = await FindAsync(store, time, cancellation).ConfigureAwait(false);
        if (skew is not null && Told.TryAdd(given, Told)) warn(skew);
        return skew;
    }

    private static string Remedy(IStreamStore store, bool isAhead)
    {
        if (store.Root is MemoryStreamStore) return "Give both the same clock: new MemoryStreamStore(clock).";
        bool hasServer = store.Capabilities.HasFlag(StreamStoreCapabilities.SharedByProcesses);
        if (!isAhead) return hasServer ? "Set the clock that is wrong."
            : "The store has the clock of its opening: if this machine's clock is right now, start the process again.";
        return (hasServer ? "Set the clock that is wrong. If this machine's clock and the server's are right, the" : "The")
            + " store has seen a later time before, and never goes back. Nothing is lost: time stamps and windows are ahead by the "
            + "difference until that time has come (docs/operations/what-to-do-when.md).";
    }

    private static async Task<string?> FindAsync(IStreamStore store, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            DateTimeOffset before = time.GetUtcNow();
            DateTimeOffset theirs = await store.GetTimeAsync(cancellation).ConfigureAwait(false);
            DateTimeOffset after = time.GetUtcNow();
            return theirs >= before - Tolerance && theirs <= after + Tolerance ? null
                : $"The clock of this machine says {after:u}, the store's clock says {theirs:u}. Retries, expiries and time stamps follow "
                + $"the store's. {Remedy(store, isAhead: theirs > after)}";
        }
        catch (StreamStoreException)
        {
            return null;                             // the call that needs the store reports it
        }
    }
}
