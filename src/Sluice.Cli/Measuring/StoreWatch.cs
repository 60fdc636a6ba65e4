namespace Sluice.Cli.Measuring;

/// <summary>
/// Asks a store for its time once a second while it is measured. If the store fails, the measurement is cancelled and fails as the store
/// did.
/// </summary>
/// <remarks>A consecutor repeats what fails for a minute and more, because a service is to survive the absence of its store. A measurement
/// has nothing to survive.</remarks>
internal sealed class StoreWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource measuring, watching = new();
    private readonly Task watch;
    private StreamStoreException? failure;

    public StoreWatch(IStreamStore store, CancellationToken cancellation)
    {
        measuring = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        watch = WatchAsync(store);
    }

    /// <summary>Whether the store has failed.</summary>
    public bool HasFailed => Volatile.Read(ref failure) is not null;

    /// <summary>Runs a measurement.</summary>
    /// <param name="measure">The measurement, with the token that cancels it.</param>
    /// <exception cref="StreamStoreException">The store has failed.</exception>
    public async Task<Measurement> RunAsync(Func<CancellationToken, Task<Measurement>> measure)
    {
        try
        {
            return await measure(measuring.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Volatile.Read(ref failure) is { } known)
        {
            throw new StreamStoreException(known.Message, known);
        }
        catch (StreamStoreException own) when (!own.IsPermanent)
        {
            Volatile.Write(ref failure, own);        // the measurement has met it before the watch
            throw;
        }
    }

    /// <summary>Ends the watch.</summary>
    public async ValueTask DisposeAsync()
    {
        await watching.CancelAsync().ConfigureAwait(false);
        await watch.ConfigureAwait(false);
        watching.Dispose();
        measuring.Dispose();
    }

    private async Task WatchAsync(IStreamStore store)
    {
        try
        {
            using var timer = new PeriodicTimer(Interval, TimeProvider.System);
            while (await timer.WaitForNextTickAsync(watching.Token).ConfigureAwait(false))
                await store.GetTimeAsync(watching.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (watching.IsCancellationRequested)
        {
            // The measurement has ended.
        }
        catch (StreamStoreException e)
        {
            Volatile.Write(ref failure, e);
            await measuring.CancelAsync().ConfigureAwait(false);
        }
    }
}
