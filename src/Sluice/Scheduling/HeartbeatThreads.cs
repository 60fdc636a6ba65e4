using Sluice.Diagnostics;

namespace Sluice.Scheduling;

/// <summary>
/// The threads of all heartbeats of the process: a worker, and a lookout that takes over when a call on the worker does not return.
/// </summary>
/// <remarks>
/// <para>
/// The queue, the due times and the roles are under <c>sync</c>; heartbeats and continuations are called outside of it. A timer may
/// call this class under its own lock, never the other way round.
/// </para>
/// <para>
/// It is the synchronization context of its work. So a heartbeat that waits for a store holds no thread, and resumes here instead of on a
/// pool that may be starved. A store that blocks its caller holds a thread, and delays the other stores by 100 ms.
/// </para>
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable",
    Justification = "Lives as long as the process.")]
internal sealed class HeartbeatThreads : SynchronizationContext
{
    private static readonly TimeSpan MaxBlocked = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    private readonly TimeProvider clock;
    private readonly Action<Thread> start;
    private readonly object sync = new();            // the worker waits on it
    private readonly AutoResetEvent looksOut = new(false);
    private readonly SortedSet<HeartbeatPause> resting = [];
    private readonly Queue<(SendOrPostCallback Callback, object? State)> ready = new();
    private Thread? worker;
    private bool hasLookout;
    private bool isAtWork;                           // whether the worker executes something, since:
    private long since;
    private bool isLookingSoon;                      // whether the lookout wakes by itself

    /// <param name="clock">The clock; null for the system's.</param>
    /// <param name="start">Starts a thread; null for the usual way.</param>
    public HeartbeatThreads(TimeProvider? clock = null, Action<Thread>? start = null)
        => (this.clock, this.start) = (clock ?? TimeProvider.System, start ?? (static thread => thread.UnsafeStart()));

    /// <summary>The threads of all timers that have no others.</summary>
    public static HeartbeatThreads OfProcess { get; } = new();

    /// <summary>Wakes a timer after a pause, unless it is forgotten before.</summary>
    /// <param name="rest">The timer and its due time; immutable.</param>
    public void WakeAfter(HeartbeatPause rest)
    {
        lock (sync)
        {
            Start();
            bool isFirst = resting.Min is not { } first || rest.CompareTo(first) < 0;
            resting.Add(rest);
            if (!isFirst) return;
            Monitor.Pulse(sync);
            looksOut.Set();
        }
    }

    /// <summary>Removes a pause: its timer is not woken.</summary>
    public void Forget(HeartbeatPause rest)
    {
        lock (sync) resting.Remove(rest);
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (sync)
        {
            Start();
            ready.Enqueue((d, state));
            Monitor.Pulse(sync);
            if (isAtWork && !isLookingSoon) looksOut.Set();
        }
    }

    /// <inheritdoc/>
    public override void Send(SendOrPostCallback d, object? state)
        => throw new NotSupportedException("Send would wait for the heartbeats of the process. Use Post.");

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;

    // Under the lock. Without a lookout, heartbeats wait for a call that does not return: it is started as soon as the system gives a
    // thread.
    private void Start()
    {
        worker ??= Begin(Work);
        if (!hasLookout) hasLookout = TryBeginLookout();
    }

    private bool TryBeginLookout()
    {
        try
        {
            Begin(LookOut);
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    private Thread Begin(ThreadStart work)
    {
        var thread = new Thread(work) { IsBackground = true, Name = "sluice heartbeats" };
        start(thread);
        return thread;
    }

    // Runs until another thread has become the worker.
    private void Work()
    {
        SetSynchronizationContext(this);
        while (Take() is var (callback, state))
        {
            try
            {
                callback(state);
            }
            catch (Exception e)
            {
                Warnings.Tell($"Something that a store has put on the threads of heartbeats has failed: {e.Message}");
            }
        }
    }

    private (SendOrPostCallback Callback, object? State)? Take()
    {
        lock (sync)
        {
            while (worker == Thread.CurrentThread)
            {
                isAtWork = false;
                long now = clock.GetTimestamp();
                while (resting.Min is { } first && first.Earliest <= now)
                {
                    resting.Remove(first);
                    ready.Enqueue((static wake => ((Action)wake!)(), first.Wake));
                }
                if (ready.TryDequeue(out var next))
                {
                    (isAtWork, since) = (true, now);
                    return next;
                }
                if (resting.Min is { } due) Monitor.Wait(sync, clock.GetElapsedTime(now, due.At) + Instant);
                else Monitor.Wait(sync);
            }
            return null;
        }
    }

    private void LookOut()
    {
        TimeSpan wait = Timeout.InfiniteTimeSpan;
        while (true)
        {
            looksOut.WaitOne(wait);
            lock (sync)
            {
                long now = clock.GetTimestamp();
                bool isWanted = ready.Count > 0 || (resting.Min is { } due && due.At <= now);
                isLookingSoon = isAtWork && isWanted;
                TimeSpan left = MaxBlocked - clock.GetElapsedTime(since, now);
                if (isLookingSoon && left <= TimeSpan.Zero)
                {
                    if (TryBeginLookout())
                    {
                        (worker, isAtWork, isLookingSoon) = (Thread.CurrentThread, false, false);
                        break;
                    }
                    left = MaxBlocked;               // the system gives no more threads: looks again then
                }
                wait = isLookingSoon ? left + Instant : resting.Min is { } next ? clock.GetElapsedTime(now, next.At) + MaxBlocked
                    : Timeout.InfiniteTimeSpan;
                if (wait < TimeSpan.Zero && wait != Timeout.InfiniteTimeSpan) wait = Instant;
            }
        }
        Work();
    }
}
