namespace Sluice;

/// <summary>
/// Counts the changes of streams in this process, and wakes waiting callers. For authors of stores, behind <see cref="IStreamStore.WaitForChangeAsync"/> and
/// <see cref="IStreamStore.WaitForEntriesAsync"/>.
/// </summary>
/// <remarks>Thread-safe; everything is under one lock, and waiters go on elsewhere.</remarks>
public sealed class StreamChanges
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Changes> signals = new(StringComparer.Ordinal);
    private long last;                               // over all streams: a stream that was deleted and made anew does not begin again
    private string? closed;                          // the name of the store

    /// <summary>Looks whether a stream has changed.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="after">The count that is known; -1 for none.</param>
    /// <returns>The count, or a task that ends with the next change; neither if the stream is not known here yet.</returns>
    /// <exception cref="ObjectDisposedException">The store has been closed.</exception>
    public (long? Count, Task? Change) Look(string stream, long after)
    {
        lock (gate)
        {
            if (Find(stream) is not { } signal) return (null, null);
            if (signal.Count > after) return (signal.Count, null);
            signal.Waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return (null, signal.Waiting.Task);
        }
    }

    /// <summary>Waits until there may be entries in some partitions of a stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="partitions">The partitions, from zero.</param>
    /// <param name="after">The count that is known; -1 for none.</param>
    /// <param name="cancellation">Gives up waiting; nothing is left behind.</param>
    /// <returns>The count of changes; null if the stream is not known here yet, or not any more.</returns>
    /// <exception cref="ObjectDisposedException">The store has been closed.</exception>
    public async ValueTask<long?> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(partitions);
        var waiter = new Waiter(partitions);
        Changes? signal;
        lock (gate)
        {
            signal = Find(stream);
            if (signal is null) return null;
            if (signal.LatestOf(partitions) > after) return signal.Count;
            signal.Waiters.Add(waiter);
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

    /// <summary>A stream is there. Nothing happens if that is known.</summary>
    public void Know(string stream)
    {
        lock (gate)
        {
            if (!signals.ContainsKey(stream)) signals.Add(stream, new(++last));
        }
    }

    /// <summary>Reports any change of streams: every caller that waits for one of them goes on.</summary>
    public void Publish(IEnumerable<string> streams)
    {
        ArgumentNullException.ThrowIfNull(streams);
        lock (gate)
            foreach (string stream in streams) signals.GetValueOrDefault(stream)?.Change(++last, null);
    }

    /// <summary>There may be entries to lease or to read in some partitions of a stream, and nowhere else.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="partitions">The partitions; none if entries were only settled, so that there may be room.</param>
    public void PublishEntries(string stream, IReadOnlyCollection<int> partitions)
    {
        ArgumentNullException.ThrowIfNull(partitions);
        lock (gate) signals.GetValueOrDefault(stream)?.Change(++last, partitions);
    }

    /// <summary>Any stream may have changed: messages were missed, or time has passed without one.</summary>
    public void PublishAll()
    {
        string[] all;
        lock (gate) all = [.. signals.Keys];
        Publish(all);
    }

    /// <summary>A stream is gone; whoever waits for it goes on.</summary>
    public void Forget(string stream)
    {
        lock (gate) if (signals.Remove(stream, out Changes? signal)) signal.Change(++last, null);
    }

    /// <summary>No more changes will come: whoever waits, or looks later, gets an <see cref="ObjectDisposedException"/>.</summary>
    /// <param name="store">What the store is called in it.</param>
    public void Close(string store)
    {
        lock (gate)
        {
            closed ??= store;
            foreach (Changes signal in signals.Values) signal.Fail(store);
            signals.Clear();
        }
    }

    private Changes? Find(string stream)
        => closed is null ? signals.GetValueOrDefault(stream) : throw new ObjectDisposedException(closed, "The store has been closed.");

    private sealed class Waiter(IReadOnlyList<int> partitions) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public bool IsMeant(IReadOnlyCollection<int> changed) => changed.Any(partitions.Contains);
    }

    /// <summary>The changes of one stream. Under the lock.</summary>
    private sealed class Changes(long count)
    {
        private long whole = count;                  // the last change that was not of certain partitions
        private long[] byPartition = [];

        public long Count { get; private set; } = count;
        public TaskCompletionSource? Waiting { get; set; }
        public HashSet<Waiter> Waiters { get; } = [];

        public long LatestOf(IReadOnlyList<int> partitions)
        {
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
            Waiting?.TrySetResult();
            Waiting = null;
            foreach (Waiter waiter in Waiters)
                if (partitions is null || waiter.IsMeant(partitions)) waiter.TrySetResult();
        }

        public void Fail(string store)
        {
            foreach (TaskCompletionSource? one in Waiters.Append(Waiting))
            {
                one?.TrySetException(new ObjectDisposedException(store, "The store has been closed."));
                _ = one?.Task.Exception;             // observed: its caller may have given up meanwhile
            }
        }
    }
}
