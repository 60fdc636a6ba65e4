using Sluice.Membership;

namespace Sluice.Flows;

/// <summary>Repeats calls to a store until it answers, so that a store that is away for a while fails no run.</summary>
/// <remarks>Thread-safe. Only for repeatable calls: numbered appends and commits, and calls without effect the second time.</remarks>
internal sealed class StoreRetrier(IStreamStore store, TimeProvider time, Action<string> warn, TimeSpan readerTimeout)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    public IStreamStore Store => store;

    public TimeProvider Time => time;

    /// <summary>Reports a warning.</summary>
    public void Warn(string text) => warn(text);

    /// <summary>Cancelled when the service ends and the store does not answer; calls are not repeated after that.</summary>
    public CancellationToken GiveUp { get; init; }

    /// <summary>Whether each call is made once, and fails as the store does: for those who look at a store and wait for none.</summary>
    public bool IsOneTry { get; init; }

    /// <summary>The time after which a reader that applies backpressure may have expired.</summary>
    public TimeSpan ReaderTimeout => readerTimeout;

    /// <summary>The service that uses the store, for the error about a disposed store; null passes the store's own error on.</summary>
    public string? Owner { get; init; }

    /// <summary>Measures how long calls have had no answer, except for waits for a change; null for no measurement.</summary>
    public IStoreCallWatch? Silence { get; init; }

    /// <summary>Returns an object for the same store that measures the silence of its own calls.</summary>
    public StoreRetrier WatchedBy(IStoreCallWatch? silence)
        => silence is null ? this
            : new(store, time, warn, readerTimeout) { GiveUp = GiveUp, IsOneTry = IsOneTry, Owner = Owner, Silence = silence };

    /// <summary>Makes a call that repeats itself, such as a commit of a partition.</summary>
    public async Task WatchAsync(Func<Task> call)
    {
        Silence?.Ask();
        try
        {
            await call().ConfigureAwait(false);
        }
        finally
        {
            Silence?.Answer();
        }
    }

    /// <summary>Waits until a stream has changed since a change count, for as long as that takes.</summary>
    public Task<long> WaitForChangeAsync(string stream, long seen, CancellationToken cancellation)
        => InsistAsync([stream], () => store.WaitForChangeAsync(stream, seen, cancellation), cancellation);

    /// <param name="stream">The stream that the call uses; if it is gone, the run was deleted.</param>
    /// <param name="call">The call, which may be repeated.</param>
    /// <param name="cancellation">Stops the repetition.</param>
    /// <exception cref="FlowException">The stream is gone.</exception>
    /// <exception cref="StoreRolledBackException">The store has lost writes.</exception>
    /// <exception cref="ClosedStoreException">The store was disposed.</exception>
    /// <exception cref="StreamStoreException">A repetition would fail again (<see cref="StreamStoreException.IsPermanent"/>).</exception>
    /// <exception cref="OperationCanceledException">The token or <see cref="GiveUp"/> was cancelled.</exception>
    public Task<T> DoAsync<T>(string stream, Func<ValueTask<T>> call, CancellationToken cancellation)
        => DoAsync([stream], call, cancellation);

    /// <summary>Repeats a call that uses several streams.</summary>
    public async Task<T> DoAsync<T>(IReadOnlyCollection<string> streams, Func<ValueTask<T>> call, CancellationToken cancellation)
    {
        Silence?.Ask();
        try
        {
            return await InsistAsync(streams, call, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Silence?.Answer();
        }
    }

    private async Task<T> InsistAsync<T>(IReadOnlyCollection<string> streams, Func<ValueTask<T>> call, CancellationToken cancellation)
    {
        TimeSpan pause = First;
        string? untold = null;                       // until it is known that the stream is there: otherwise that is the cause
        for (int failures = 0; ; failures++)
        {
            try
            {
                if (failures > 0)
                    foreach (string stream in streams)
                        if (await store.FindStreamAsync(stream, cancellation).ConfigureAwait(false) is null)
                            throw new FlowException(
                                $"The stream {stream} is not in the store any more: the run was deleted, or the store was emptied. "
                                    + "Start the flow again if its results are wanted.");
                Tell();
                return await call().ConfigureAwait(false);          // GiveUp ends the call, too
            }
            catch (ObjectDisposedException e) when (Owner is not null && e is not ClosedStoreException)
            {
                throw Closed(e);
            }
            catch (StreamStoreException e) when (!IsOneTry && e is not StoreRolledBackException && !e.IsPermanent
                && !cancellation.IsCancellationRequested)
            {
                if (!GiveUp.IsCancellationRequested)
                {
                    if (failures > 0) Tell();
                    if (failures is 0 or 10) untold = $"The store does not answer; it is asked again until it does: {e.Message}";
                    if (streams.Count == 0) Tell();
                    await PauseAsync(pause, cancellation).ConfigureAwait(false);
                }
                if (GiveUp.IsCancellationRequested) throw new OperationCanceledException(e.Message, e, GiveUp);
            }
            pause = pause * 2 < Longest ? pause * 2 : Longest;
        }

        void Tell()
        {
            if (untold is not null) warn(untold);
            untold = null;
        }
    }

    /// <summary>Waits before a repetition. <see cref="GiveUp"/> ends the wait, too.</summary>
    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, GiveUp);
        await RetryPause.WaitAsync(pause, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Says that the store was disposed, in words that name its user.</summary>
    public ClosedStoreException Closed(ObjectDisposedException cause)
        => new(ClosedStore.Explain("supervisor", Owner ?? "", "A durable store keeps the runs for the next start.", cause), cause)
        {
            Store = store.Root
        };

    public Task DoAsync(string stream, Func<ValueTask> call, CancellationToken cancellation) => DoAsync([stream], call, cancellation);

    public Task DoAsync(IReadOnlyCollection<string> streams, Func<ValueTask> call, CancellationToken cancellation)
        => DoAsync(streams, async () =>
        {
            await call().ConfigureAwait(false);
            return true;
        }, cancellation);
}
