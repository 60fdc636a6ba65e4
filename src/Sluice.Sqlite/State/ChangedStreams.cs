namespace Sluice.Sqlite;

/// <summary>What a transaction has changed, for those who wait: whole streams, or some partitions of them. Used by the writer's thread.</summary>
internal sealed class ChangedStreams
{
    private readonly Dictionary<string, HashSet<int>?> changed = new(StringComparer.Ordinal);          // null: the whole stream

    /// <summary>A stream has changed in whatever way.</summary>
    public void Add(string stream) => changed[stream] = null;

    /// <summary>A stream has room that it had not.</summary>
    public void AddRoom(string stream) => changed.TryAdd(stream, []);

    /// <summary>There may be entries in a partition.</summary>
    public void AddEntries(string stream, int partition)
    {
        if (!changed.TryGetValue(stream, out HashSet<int>? partitions)) changed.Add(stream, [partition]);
        else partitions?.Add(partition);
    }

    /// <summary>Tells who waits, and begins anew.</summary>
    public void Publish(StreamChanges changes)
    {
        if (changed.Count == 0) return;
        foreach ((string stream, HashSet<int>? partitions) in changed)
            if (partitions is null) changes.Publish([stream]);
            else changes.PublishEntries(stream, partitions);
        changed.Clear();
    }
}
