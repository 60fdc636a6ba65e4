namespace Sluice.Redis;

/// <summary>Counts changes of streams in this process, and wakes who waits for one. Any thread.</summary>
internal sealed class ChangeSignals
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Signal> signals = new(StringComparer.Ordinal);
    private long last;                               // over all streams: a stream that was deleted and made anew does not begin again
    private string? closed;                          // the name of the store

    /// <summary>The count, or a task that ends with the next change; neither if the stream is not known here yet.</summary>
    public (long? Count, Task? Change) Look(string stream, long after)
    {
        lock (gate)
        {
            if (closed is not null) throw new ObjectDisposedException(closed, "The store has been closed.");
            if (!signals.TryGetValue(stream, out Signal? signal)) return (null, null);
            if (signal.Count > after) return (signal.Count, null);
            signal.Waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return (null, signal.Waiting.Task);
        }
    }

    /// <summary>A stream is there.</summary>
    public void Know(string stream)
    {
        lock (gate) signals.TryAdd(stream, new() { Count = ++last });
    }

    /// <summary>Streams have changed. Whoever waits goes on elsewhere.</summary>
    public void Publish(IEnumerable<string> streams)
    {
        lock (gate)
            foreach (string stream in streams)
            {
                if (!signals.TryGetValue(stream, out Signal? signal)) continue;
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

    /// <summary>A stream is gone.</summary>
    public void Forget(string stream)
    {
        lock (gate) if (signals.Remove(stream, out Signal? signal)) signal.Waiting?.TrySetResult();
    }

    /// <summary>No more changes will come.</summary>
    public void Close(string store)
    {
        lock (gate)
        {
            closed ??= store;
            foreach (Signal signal in signals.Values) signal.Waiting?.TrySetException(new ObjectDisposedException(store, "The store has been closed."));
            signals.Clear();
        }
    }

    private sealed class Signal
    {
        public long Count { get; set; }
        public TaskCompletionSource? Waiting { get; set; }
    }
}
