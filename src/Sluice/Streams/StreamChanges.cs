namespace Sluice;

/// <summary>
/// Counts the changes of streams in this process, and wakes who waits for one: for those who write stores, behind <see cref="IStreamStore.WaitForChangeAsync"/>.
/// </summary>
/// <remarks>Thread-safe.</remarks>
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
            if (closed is not null) throw new ObjectDisposedException(closed, "The store has been closed.");
            if (!signals.TryGetValue(stream, out Changes? signal)) return (null, null);
            if (signal.Count > after) return (signal.Count, null);
            signal.Waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return (null, signal.Waiting.Task);
        }
    }

    /// <summary>A stream is there. Nothing happens if that is known.</summary>
    public void Know(string stream)
    {
        lock (gate) signals.TryAdd(stream, new() { Count = ++last });
    }

    /// <summary>Streams have changed. Whoever waits goes on elsewhere.</summary>
    public void Publish(IEnumerable<string> streams)
    {
        ArgumentNullException.ThrowIfNull(streams);
        lock (gate)
            foreach (string stream in streams)
            {
                if (!signals.TryGetValue(stream, out Changes? signal)) continue;
                signal.Count = ++last;
                signal.Waiting?.TrySetResult();
                signal.Waiting = null;
            }
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
        lock (gate) if (signals.Remove(stream, out Changes? signal)) signal.Waiting?.TrySetResult();
    }

    /// <summary>No more changes will come: whoever waits, or looks later, gets an <see cref="ObjectDisposedException"/>.</summary>
    /// <param name="store">What the store is called in it.</param>
    public void Close(string store)
    {
        lock (gate)
        {
            closed ??= store;
            foreach (Changes signal in signals.Values)
            {
                signal.Waiting?.TrySetException(new ObjectDisposedException(store, "The store has been closed."));
                _ = signal.Waiting?.Task.Exception;          // whoever has waited may have given up meanwhile: then nobody sees it, and nobody has to
            }
            signals.Clear();
        }
    }

    private sealed class Changes
    {
        public long Count { get; set; }
        public TaskCompletionSource? Waiting { get; set; }
    }
}
