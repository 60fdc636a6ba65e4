namespace Sluice;

/// <summary>Compares this machine's clock with the store's. They are never mixed; people should know all the same.</summary>
internal static class ClockSkew
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    /// <returns>What to say; null if the clocks agree, or the store does not answer.</returns>
    public static async Task<string?> FindAsync(IStreamStore store, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            DateTimeOffset before = time.GetUtcNow();
            DateTimeOffset theirs = await store.GetTimeAsync(cancellation).ConfigureAwait(false);
            DateTimeOffset after = time.GetUtcNow();
            return theirs >= before - Tolerance && theirs <= after + Tolerance ? null
                : $"The clock of this machine says {after:u}, the store's clock says {theirs:u}. Retries, expiries and time stamps follow the store's. Set the clock that is wrong.";
        }
        catch (StreamStoreException)
        {
            return null;                             // who needs the store says so
        }
    }
}
