using System.Collections.Concurrent;

namespace Sluice.Scale;

/// <summary>What was sent and what has ended. Thread-safe.</summary>
internal sealed class Items
{
    private readonly ConcurrentDictionary<int, bool> acknowledged = [];
    private readonly ConcurrentDictionary<int, int> ends = [];
    private int sent;

    /// <summary>The number of the next item to send.</summary>
    public int Next() => Interlocked.Increment(ref sent) - 1;

    public void Acknowledge(int item) => acknowledged[item] = true;

    public void End(int item) => ends.AddOrUpdate(item, 1, static (_, count) => count + 1);

    /// <summary>Acknowledged items.</summary>
    public int Accepted => acknowledged.Count;

    /// <summary>Acknowledged items that no host has processed.</summary>
    public int Lost => acknowledged.Keys.Count(item => !ends.ContainsKey(item));

    /// <summary>Items that were processed again, because a host died or an answer was lost. Their results are committed once.</summary>
    public int Repeated => ends.Values.Count(count => count > 1);
}
