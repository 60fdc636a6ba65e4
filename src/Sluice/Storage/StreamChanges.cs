namespace Sluice.Storage;

/// <summary>
/// Counts the changes of streams in this process, and wakes waiting callers. Stores implement <see cref="IStreamStore.WaitForChangeAsync"/>
/// and <see cref="IStreamStore.WaitForEntriesAsync"/> with it.
/// </summary>
/// <remarks>Thread-safe: one lock. Continuations of waiting callers run on the pool.</remarks>
public sealed class StreamChanges
{
    private const int MaxTries = 3;                  // a stream may be forgotten between being made known and being waited for

    private readonly Lock gate = new();
    private readonly Dictionary<string, Changes> signals = new(StringComparer.Ordinal);
    private long last;                               // one count for all streams: a stream that was deleted and created again continues it
    private string? closed;                          // the store's name, once closed

    /// <summary>Waits for a change of a stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="after">The count of changes that the caller knows; -1 for none.</param>
    /// <param name="require">
    /// Called if the stream is unknown here, or was forgotten meanwhile. Registers the stream (<see cref="Know"/>), or throws because there
    /// is none.
    /// </param>
    /// <param name="cancellation">Gives up waiting; nothing is left behind.</param>
    /// <returns>The count of changes, above <paramref name="after"/>.</returns>
    /// <exception cref="StreamStoreException">The stream was deleted.</exception>
    /// <exception cref="ObjectDisposedException">The store has been closed.</exception>
    public ValueTask<long> WaitForChangeAsync(string stream, long after, Func<ValueTask> require, CancellationToken cancellation)
        => WaitAsync(stream, null, after, require, cancellation);

    /// <summary>Waits until there may be entries in some partitions of a stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="partitions">The partitions, from zero.</param>
    /// <param name="after">The count of changes that the caller knows; -1 for none.</param>
    /// <param name="require">As for <see cref="WaitForChangeAsync"/>.</param>
    /// <param name="cancellation">Gives up waiting; nothing is left behind.</param>
    /// <returns>The count of changes.</returns>
    /// <exception cref="StreamStoreException">The stream was deleted.</exception>
    /// <exception cref="ObjectDisposedException">The store has been closed.</exception>
    public ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after, Func<ValueTask> require,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(partitions);
        return WaitAsync(stream, partitions, after, require, cancellation);
    }

    /// <summary>Registers a stream that exists. Does nothing if it is registered.</summary>
    public void Know(string stream)
    {
        lock (gate)
        {
            if (!signals.ContainsKey(stream)) signals.Add(stream, new(++last));
        }
    }

    /// <summary>Reports a change of streams, which wakes every caller that waits for one of them.</summary>
    public void Publish(IEnumerable<string> streams)
    {
        ArgumentNullException.ThrowIfNull(streams);
        lock (gate)
            foreach (string stream in streams) signals.GetValueOrDefault(stream)?.Change(++last, null);
    }

    /// <summary>Reports that there may be entries to lease or read in some partitions of a stream, and only there.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="partitions">
    /// The partitions; none if entries were only settled, so that only room was made. A number that no partition has, as in a message that
    /// another program has sent, wakes all callers that wait for the stream.
    /// </param>
    public void PublishEntries(string stream, IReadOnlyCollection<int> partitions)
    {
        ArgumentNullException.ThrowIfNull(partitions);
        bool areKnown = partitions.All(static partition => partition is >= 0 and < StreamOptions.MaxPartitions);
        lock (gate) signals.GetValueOrDefault(stream)?.Change(++last, areKnown ? partitions : null);
    }

    /// <summary>
    /// Reports that any stream may have changed: messages were missed, or the time without a message is over. Forgets streams for which
    /// nobody has waited since the last report, because another process may have deleted them.
    /// </summary>
    public void PublishAll()
    {
        lock (gate)
            foreach ((string stream, Changes signal) in signals)
                if (signal.Waiters.Count == 0 && signal.IsUnused) signals.Remove(stream);
                else
                {
                    signal.IsUnused = true;
                    signal.Change(++last, null);
                }
    }

    /// <summary>Forgets a deleted stream and wakes its waiting callers.</summary>
    public void Forget(string stream)
    {
        lock (gate) if (signals.Remove(stream, out Changes? signal)) signal.Change(++last, null);
    }

    /// <summary>Ends all waiting: present and later callers get an <see cref="ObjectDisposedException"/>.</summary>
    /// <param name="store">The store's name in the exception.</param>
    public void Close(string store)
    {
        lock (gate)
        {
            closed ??= store;
            foreach (Changes signal in signals.Values) signal.Fail(store);
            signals.Clear();
        }
    }

    private async ValueTask<long> WaitAsync(string stream, IReadOnlyList<int>? partitions, long after, Func<ValueTask> require,
        CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(require);
        cancellation.ThrowIfCancellationRequested();
        for (int tries = 0; ; tries++)
        {
            if (await TryWaitAsync(stream, partitions, after, cancellation).ConfigureAwait(false) is { } count) return count;
            if (tries == MaxTries) throw new StreamStoreException($"The stream {stream} was deleted.") { Stream = stream };
            await require().ConfigureAwait(false);
        }
    }

    // Null if the stream is unknown here, or was forgotten meanwhile.
    private async ValueTask<long?> TryWaitAsync(string stream, IReadOnlyList<int>? partitions, long after, CancellationToken cancellation)
    {
        Changes? signal;
        Waiter waiter;
        lock (gate)
        {
            signal = Find(stream);
            if (signal is null) return null;
            signal.IsUnused = false;
            if (signal.LatestOf(partitions) > after) return signal.Count;
            signal.Waiters.Add(waiter = new(partitions));
        }
        try
        {
            await waiter.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (gate) signal.Waiters.Remove(waiter);
        }
        lock (gate) return Find(stream)?.Count;
    }

    private Changes? Find(string stream)
        => closed is null ? signals.GetValueOrDefault(stream) : throw DisposedStore.Error(closed);

    /// <param name="partitions">Null for a caller that waits for any change.</param>
    private sealed class Waiter(IReadOnlyList<int>? partitions) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public bool IsMeant(IReadOnlyCollection<int>? changed)
            => changed is null || partitions is null || changed.Any(partitions.Contains);
    }

    /// <summary>The changes of one stream. Used under the lock.</summary>
    private sealed class Changes(long count)
    {
        private long whole = count;                  // the last change that named no partitions
        private long[] byPartition = [];

        public long Count { get; private set; } = count;
        public HashSet<Waiter> Waiters { get; } = [];

        /// <summary>Whether nobody has waited since the last report about all streams.</summary>
        public bool IsUnused { get; set; }

        public long LatestOf(IReadOnlyList<int>? partitions)
        {
            if (partitions is null) return Count;
            long latest = whole;
            for (int i = 0; i < partitions.Count; i++)
                if (partitions[i] < byPartition.Length) latest = Math.Max(latest, byPartition[partitions[i]]);
            return latest;
        }

        public void Change(long number, IReadOnlyCollection<int>? partitions)
        {
            Count = number;
            if (partitions is null) whole = number;
            else
                foreach (int partition in partitions)
                {
                    if (partition >= byPartition.Length) Array.Resize(ref byPartition, partition + 1);
                    byPartition[partition] = number;
                }
            foreach (Waiter waiter in Waiters)
                if (waiter.IsMeant(partitions)) waiter.TrySetResult();
        }

        public void Fail(string store)
        {
            foreach (Waiter waiter in Waiters)
            {
                waiter.TrySetException(DisposedStore.Error(store));
                _ = waiter.Task.Exception;           // observed: the caller may have given up meanwhile
            }
        }
    }
}
