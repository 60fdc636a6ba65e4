namespace Sluice;

/// <summary>
/// Wakes the consumers of boundaries whose producer was held up in user code before it could announce what it had
/// written: the deadline of a batch. Ticks only while some boundary may hold such items.
/// </summary>
/// <remarks>Thread-safe. It is about real threads being held up, so it runs on the real clock, whatever the run's.</remarks>
internal sealed class Watchdog(List<IBoundary> boundaries) : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(2);

    private readonly Lock sync = new();
    private Timer? timer;
    private bool ticking;
    private bool disposed;

    /// <summary>A boundary has begun to hold items back.</summary>
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
        // Off first: a boundary that begins to hold back from here on starts it again.
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
