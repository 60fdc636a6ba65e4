namespace Sluice.Sqlite;

/// <summary>
/// Collects the changes of a transaction for waiting callers: whole streams, or partitions of them. Used by the writer's thread only.
/// </summary>
internal sealed class ChangedStreams
{
    private readonly Dictionary<string, HashSet<int>?> changed = new(StringComparer.Ordinal);          // null: the whole stream

    /// <summary>Records any change of a stream.</summary>
    public void Add(string stream) => changed[stream] = null;

    /// <summary>Records that a stream has more room.</summary>
    public void AddRoom(string stream) => changed.TryAdd(stream, []);

    /// <summary>Records that there may be entries in a partition.</summary>
    public void AddEntries(string stream, int partition)
    {
        if (!changed.TryGetValue(stream, out HashSet<int>? partitions)) changed.Add(stream, [partition]);
        else partitions?.Add(partition);
    }

    /// <summary>Wakes the waiting callers, and starts an empty collection.</summary>
    public void Publish(StreamChanges changes)
    {
        if (changed.Count == 0) return;
        foreach ((string stream, HashSet<int>? partitions) in changed)
            if (partitions is null) changes.Publish([stream]);
            else changes.PublishEntries(stream, partitions);
        changed.Clear();
    }
}
