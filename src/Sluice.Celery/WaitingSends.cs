namespace Sluice.Celery;

/// <summary>
/// The sends that wait for a broker, by the reason: a queue that takes no task, or the empty name for a broker that gives no answer. Each
/// reason is told once, until a task was sent and no other one waits for that reason: a broker may give no answer for one queue, and take
/// tasks for others.
/// </summary>
/// <remarks>Thread-safe; the counts are under a lock on them.</remarks>
internal sealed class WaitingSends
{
    private readonly Dictionary<string, int> counts = [];     // by a reason that was told

    /// <summary>Notes that a send waits.</summary>
    /// <returns>Whether the reason is to be told.</returns>
    public bool Begin(string reason)
    {
        lock (counts)
        {
            bool isNews = counts.TryAdd(reason, 0);
            counts[reason]++;
            return isNews;
        }
    }

    /// <summary>Notes that a send waits no more for a reason, and was not sent.</summary>
    public void GiveUp(string reason)
    {
        lock (counts) counts[reason]--;
    }

    /// <summary>Notes that a task was sent to a queue.</summary>
    /// <returns>The reasons that are over.</returns>
    public IReadOnlyList<string> Sent(string queue)
    {
        lock (counts) return counts.Count == 0 ? [] : [.. new[] { "", queue }.Where(reason => counts.GetValueOrDefault(reason, 1) == 0
            && counts.Remove(reason))];
    }
}
