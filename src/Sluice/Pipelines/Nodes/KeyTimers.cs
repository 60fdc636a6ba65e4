namespace Sluice.Pipelines;

/// <summary>The timers of a node, by key and name, in the order in which they fire.</summary>
/// <remarks>Locking rule: none; the stage's. Times are those of the stage.</remarks>
/// <param name="clock">The time of the stage.</param>
internal sealed class KeyTimers(Func<TimeSpan> clock) : INodeTimers
{
    private const int MaxStale = 64;

    private readonly PriorityQueue<(string Key, string Name), (TimeSpan At, long Number)> queue = new();
    private readonly Dictionary<(string Key, string Name), (TimeSpan At, long Number)> dues = [];
    private long next;

    /// <summary>When the next one fires; null if none is set.</summary>
    public TimeSpan? NextAt
    {
        get
        {
            while (queue.TryPeek(out var timer, out var at) && !(dues.TryGetValue(timer, out var valid) && valid == at)) queue.Dequeue();
            return queue.TryPeek(out _, out var due) ? due.At : null;
        }
    }

    public void Set(string key, string name, TimeSpan after)
    {
        var due = (clock() + after, next++);
        dues[(key, name)] = due;
        queue.Enqueue((key, name), due);
        if (queue.Count <= (2 * dues.Count) + MaxStale) return;
        queue.Clear();                               // most of it was moved or cancelled
        foreach (var (timer, at) in dues) queue.Enqueue(timer, at);
    }

    public bool Cancel(string key, string name) => dues.Remove((key, name));

    public bool IsSet(string key, string name) => dues.ContainsKey((key, name));

    public TimeSpan? WaitOf(string key, string name) => dues.TryGetValue((key, name), out var due) ? due.At - clock() : null;

    /// <summary>How often a timer was set.</summary>
    public long Count => next;

    /// <summary>Takes the next one that is due.</summary>
    /// <param name="now">The time.</param>
    /// <param name="before">Only of those that were set when <see cref="Count"/> was this: one that sets itself again for now lets others
    /// have a turn.</param>
    /// <param name="timer">The timer.</param>
    public bool TryTake(TimeSpan now, long before, out (string Key, string Name) timer)
    {
        timer = default;
        if (NextAt is not { } at || at > now) return false;
        queue.TryPeek(out _, out var due);
        if (due.Number >= before) return false;
        timer = queue.Dequeue();
        dues.Remove(timer);
        return true;
    }
}
