namespace Sluice.Sqlite;

/// <summary>
/// The room reserved in streams for outputs of later commits. The changes of a transaction are kept until the next one begins: if it is
/// rolled back, its calls run again.
/// </summary>
internal sealed class Reservations
{
    private readonly Dictionary<(long Group, int Partition), Dictionary<(long Id, string Name), Backlog>> byOwner = [];
    private readonly Dictionary<(long Id, string Name), Backlog> byStream = [];
    private readonly List<((long, int) Owner, (long, string) Stream, long Items, long Bytes)> changes = [];

    public void Begin() => changes.Clear();

    /// <summary>Undoes the changes of a transaction that is rolled back.</summary>
    public void Undo()
    {
        foreach (var change in changes) Apply(change.Owner, change.Stream, -change.Items, -change.Bytes);
    }

    /// <summary>Repeats the changes of a transaction that turned out to be stored.</summary>
    public void Redo()
    {
        foreach (var change in changes) Apply(change.Owner, change.Stream, change.Items, change.Bytes);
    }

    public Backlog On(StoredStream stream) => byStream.Count == 0 ? default : byStream.GetValueOrDefault((stream.Id, stream.Name));

    public void Add(StoredPartition owner, StoredStream stream, long items, long bytes)
        => Change((owner.Group.Id, owner.Number), (stream.Id, stream.Name), items, bytes);

    /// <summary>Gives reservations back, at most as many as there are.</summary>
    /// <returns>Whether the stream has more room now.</returns>
    public bool GiveBack(StoredPartition owner, StoredStream stream, long items, long bytes)
    {
        if (!byOwner.TryGetValue((owner.Group.Id, owner.Number), out var reserved)) return false;
        Backlog have = reserved.GetValueOrDefault((stream.Id, stream.Name));
        (items, bytes) = (Math.Min(have.Items, items), Math.Min(have.Bytes, bytes));
        Change((owner.Group.Id, owner.Number), (stream.Id, stream.Name), -items, -bytes);
        return items > 0;
    }

    /// <summary>Ends all reservations of an owner.</summary>
    /// <returns>The streams with more room now.</returns>
    public IReadOnlyList<string> End(long group, int partition)
    {
        if (!byOwner.TryGetValue((group, partition), out var reserved)) return [];
        List<string> freed = [];
        foreach (((long Id, string Name) stream, Backlog backlog) in reserved.ToArray())
        {
            Change((group, partition), stream, -backlog.Items, -backlog.Bytes);
            freed.Add(stream.Name);
        }
        return freed;
    }

    private void Change((long, int) owner, (long, string) stream, long items, long bytes)
    {
        changes.Add((owner, stream, items, bytes));
        Apply(owner, stream, items, bytes);
    }

    private void Apply((long, int) owner, (long, string) stream, long items, long bytes)
    {
        if (!byOwner.TryGetValue(owner, out var reserved)) byOwner.Add(owner, reserved = []);
        Add(reserved, stream, items, bytes);
        if (reserved.Count == 0) byOwner.Remove(owner);
        Add(byStream, stream, items, bytes);
    }

    private static void Add(Dictionary<(long, string), Backlog> to, (long, string) stream, long items, long bytes)
    {
        Backlog backlog = to.GetValueOrDefault(stream);
        backlog.Add(items, bytes);
        if (backlog.Items == 0 && backlog.Bytes == 0) to.Remove(stream);
        else to[stream] = backlog;
    }
}
