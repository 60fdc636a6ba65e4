namespace Sluice.Engine;

/// <summary>
/// Wakes the consumers of boundaries whose producer is held up in user code before it could announce its items: the deadline of
/// a batch, 2 ms. It ticks only while a boundary may hold such items.
/// </summary>
/// <remarks>Thread-safe. It uses the real clock, whatever the run's, because real threads are held up.</remarks>
internal sealed class Watchdog(List<IBoundary> boundaries) : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(2);

    private readonly Lock sync = new();
    private Timer? timer;
    private bool ticking;
    private bool disposed;

    /// <summary>Starts the watchdog: a boundary holds unannounced items.</summary>
    public void Watch()
    {
        if (Volatile.Read(ref ticking)) return;
        lock (sync)
        {
            if (ticking || disposed) return;
            ticking = true;
            timer ??= new Timer(static state => ((Watchdog)state!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            timer.Change(Deadline, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (sync)
        {
            disposed = true;
            timer?.Dispose();
        }
    }

    private void Tick()
    {
        // Cleared first: a boundary that holds items from here on starts the watchdog again.
        lock (sync) ticking = false;
        Interlocked.MemoryBarrier();
        bool more = false;
        foreach (IBoundary boundary in boundaries)
        {
            if (!boundary.HoldsUnannounced) continue;
            more = true;
            boundary.WakeConsumer();
        }
        if (more) Watch();
    }
}
