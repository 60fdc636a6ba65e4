namespace Sluice.Engine;

/// <summary>One timer for all keys: the clock of the instances of a timed stage in a lane.</summary>
/// <remarks>Any thread. The queue is under <c>sync</c>; instances are called outside of the lock.</remarks>
internal sealed class KeyClock(PipelineRun run)
{
    private const int MaxStale = 64;
    private static readonly TimeSpan MaxTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly Lock sync = new();
    private readonly PriorityQueue<IDue, (long At, long Number)> queue = new();
    private readonly Dictionary<IDue, (long At, long Number)> dues = new(ReferenceEqualityComparer.Instance);
    private ITimer? timer;
    private long armedFor = long.MaxValue;
    private long next;

    /// <summary>The timestamp at which the lane began, for the instances of all keys.</summary>
    public long Start { get; } = run.Time.GetTimestamp();

    /// <summary>The time of day at <see cref="Start"/>, in UTC ticks: a key that comes later counts from it, whatever the time of day is by
    /// then.</summary>
    public long StartOfDay { get; } = run.Time.GetUtcNow().UtcTicks;

    /// <summary>Sets when an instance acts; null for never. It replaces the instance's earlier time.</summary>
    public void SetDue(IDue instance, TimeSpan? after)
    {
        lock (sync)
        {
            if (after is not { } wait)
            {
                dues.Remove(instance);
                return;
            }
            var due = (run.Time.GetTimestamp() + (long)Math.Ceiling(wait.TotalSeconds * run.Time.TimestampFrequency), next++);
            dues[instance] = due;
            queue.Enqueue(instance, due);
            if (queue.Count > (2 * dues.Count) + MaxStale) Rebuild();
            Arm(isEarly: false);
        }
        if (run.IsStopping) Dispose();               // either this sees the stop, or the stop sees the timer
    }

    /// <summary>Stops the clock: no instance acts any more.</summary>
    public void Dispose()
    {
        lock (sync) timer?.Dispose();
    }

    private void Rebuild()
    {
        queue.Clear();
        foreach (var (instance, due) in dues) queue.Enqueue(instance, due);
    }

    /// <summary>Sets the timer for the first instance. Under the lock.</summary>
    private void Arm(bool isEarly)
    {
        while (queue.TryPeek(out IDue? stale, out var at) && !(dues.TryGetValue(stale, out var valid) && valid == at)) queue.Dequeue();
        long first = queue.TryPeek(out _, out var due) ? due.At : long.MaxValue;
        if (first == armedFor) return;
        armedFor = first;
        TimeSpan wait = first == long.MaxValue ? Timeout.InfiniteTimeSpan : WaitFor(first, isEarly);
        if (timer is null) timer = run.Time.CreateTimer(static clock => ((KeyClock)clock!).OnTimer(), this, wait, Timeout.InfiniteTimeSpan);
        else timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    // System timers count whole milliseconds, and may be a little early by the finer clock.
    private TimeSpan WaitFor(long at, bool isEarly)
    {
        TimeSpan left = run.Time.GetElapsedTime(run.Time.GetTimestamp(), at);
        if (left <= TimeSpan.Zero) return TimeSpan.Zero;
        if (isEarly) left = TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds));
        return left > MaxTimer ? MaxTimer : left;
    }

    private void OnTimer()
    {
        List<IDue> acting = [];
        lock (sync)
        {
            armedFor = long.MaxValue;
            long now = run.Time.GetTimestamp();
            while (queue.TryPeek(out IDue? instance, out var at) && at.At <= now)
            {
                queue.Dequeue();
                if (!dues.TryGetValue(instance, out var valid) || valid != at) continue;
                dues.Remove(instance);
                acting.Add(instance);
            }
            Arm(isEarly: acting.Count == 0);
        }
        foreach (IDue instance in acting) instance.Act(null);
    }
}
