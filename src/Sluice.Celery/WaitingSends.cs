namespace Sluice.Celery;

/// <summary>
/// Counts the sends that wait for a broker, by the queue that takes no task; the empty name stands for a broker that gives no answer. Only
/// the first and the last one are news: a broker may refuse tasks, or give no answer, for one queue, and take those for others.
/// </summary>
/// <remarks>Thread-safe; the counts are under a lock on them.</remarks>
internal sealed class WaitingSends
{
    private readonly Dictionary<string, int> counts = [];

    /// <summary>Notes that a send waits.</summary>
    /// <returns>Whether it is the first.</returns>
    public bool Begin(string queue)
    {
        lock (counts) return (counts[queue] = counts.GetValueOrDefault(queue) + 1) == 1;
    }

    /// <summary>Notes that a send waits no more.</summary>
    /// <returns>Whether it was the last.</returns>
    public bool End(string queue)
    {
        lock (counts) return --counts[queue] == 0 && counts.Remove(queue);
    }
}
