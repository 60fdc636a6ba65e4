namespace Sluice;

/// <summary>Calls a store until it answers: a store that is away for a while fails no run.</summary>
/// <remarks>Thread-safe. Only for calls that may be repeated: numbered appends and commits, and what does nothing the second time.</remarks>
internal sealed class StoreRetrier(IStreamStore store, TimeProvider time, Action<string> warn, TimeSpan readerPatience)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    public IStreamStore Store => store;

    public TimeProvider Time => time;

    /// <summary>Tells people.</summary>
    public void Warn(string text) => warn(text);

    /// <summary>From then on nobody insists any more: the service ends, and the store does not answer.</summary>
    public CancellationToken GiveUp { get; init; }

    /// <summary>When a reader that holds a stream may have expired.</summary>
    public TimeSpan ReaderPatience => readerPatience;

    /// <param name="stream">What the call is about: if it is not there any more, the run has been deleted.</param>
    /// <param name="call">May be repeated.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="FlowException">The stream is gone.</exception>
    /// <exception cref="StoreRolledBackException">The store has lost writes.</exception>
    /// <exception cref="StreamStoreException">It would be the same the next time (<see cref="StreamStoreException.IsPermanent"/>).</exception>
    public Task<T> DoAsync<T>(string stream, Func<ValueTask<T>> call, CancellationToken cancellation) => DoAsync([stream], call, cancellation);

    /// <summary>The same for a call that is about several streams.</summary>
    public async Task<T> DoAsync<T>(IReadOnlyCollection<string> streams, Func<ValueTask<T>> call, CancellationToken cancellation)
    {
        TimeSpan pause = First;
        for (int failures = 0; ; failures++)
        {
            try
            {
                if (failures > 0)
                    foreach (string stream in streams)
                        if (await store.FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null)
                            throw new FlowException($"The stream {stream} is not in the store any more: the run was deleted, or the store was emptied.");
                return await call().ConfigureAwait(false);          // the store ends it when nobody insists any more
            }
            catch (StreamStoreException e) when (e is not StoreRolledBackException && !e.IsPermanent && !cancellation.IsCancellationRequested && !GiveUp.IsCancellationRequested)
            {
                if (failures is 0 or 10) warn($"The store does not answer; it is asked again until it does: {e.Message}");
            }
            await Task.Delay(pause, time, cancellation).ConfigureAwait(false);
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }
    }

    public Task DoAsync(string stream, Func<ValueTask> call, CancellationToken cancellation) => DoAsync([stream], call, cancellation);

    public Task DoAsync(IReadOnlyCollection<string> streams, Func<ValueTask> call, CancellationToken cancellation)
        => DoAsync(streams, async () =>
        {
            await call().ConfigureAwait(false);
            return true;
        }, cancellation);
}
