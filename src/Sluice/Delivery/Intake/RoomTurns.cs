namespace Sluice.Delivery;

/// <summary>The turns of requests that wait for room. Only some of them ask the store whenever it changes; the others wait behind
/// them.</summary>
/// <remarks>Thread-safe; turns are given in the order of the calls. If all asked, each item that ends would cost one append for each
/// request that waits.</remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable",
    Justification = "Nobody asks the semaphore for a wait handle, so there is nothing to dispose of.")]
internal sealed class RoomTurns(TimeProvider time)
{
    private const int Most = 8;

    private readonly SemaphoreSlim turns = new(Most);

    /// <summary>Waits for a turn.</summary>
    /// <param name="until">The time until which to wait, as a timestamp of the clock.</param>
    /// <param name="lifetime">Cancelled when the consecutor ends.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Whether it has a turn; false if the time is over.</returns>
    public async Task<bool> TryTakeAsync(long until, CancellationToken lifetime, CancellationToken cancellation)
    {
        TimeSpan left = time.GetElapsedTime(time.GetTimestamp(), until);
        if (left <= TimeSpan.Zero) return false;
        if (turns.Wait(0, CancellationToken.None)) return true;
        using var late = new CancellationTokenSource(left, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(lifetime, cancellation, late.Token);
        try
        {
            await turns.WaitAsync(over.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!lifetime.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Release() => turns.Release();
}
