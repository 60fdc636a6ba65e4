namespace Sluice.Sqlite;

/// <summary>
/// What ends with the process, and is therefore not stored: the clock, heartbeats (nobody else can have the store open, so whoever was a member when it
/// was last open is gone), reserved places. Used by the writer's thread, except for <see cref="Changes"/>.
/// </summary>
internal sealed class Living
{
    private static readonly SortedDictionary<string, long> Nobody = [];
    private readonly Dictionary<long, SortedDictionary<string, long>> members = [];

    public StoreClock Clock { get; set; } = new(TimeProvider.System);
    /// <summary>Called around the end of each transaction, for tests of what fails there: false before, true after it.</summary>
    public Action<bool>? Probe { get; set; }

    public ChangeSignals Changes { get; } = new();
    public Reservations Reserved { get; } = new();

    public SortedDictionary<string, long> MembersOf(long group) => members.GetValueOrDefault(group, Nobody);

    public void Beat(long group, string member)
    {
        if (!members.TryGetValue(group, out SortedDictionary<string, long>? beats)) members.Add(group, beats = new(StringComparer.Ordinal));
        beats[member] = beats.GetValueOrDefault(member) + 1;
    }

    public void Leave(long group, string member)
    {
        if (members.TryGetValue(group, out SortedDictionary<string, long>? beats) && beats.Remove(member) && beats.Count == 0) members.Remove(group);
    }

    public void Forget(long group) => members.Remove(group);
}

/// <summary>Places that are kept in streams for what will be committed.</summary>
internal sealed class Reservations
{
    private readonly Dictionary<(long Group, int Partition), Dictionary<(long Id, string Name), Backlog>> byOwner = [];
    private readonly Dictionary<(long Id, string Name), Backlog> byStream = [];

    public Backlog On(StoredStream stream) => byStream.Count == 0 ? default : byStream.GetValueOrDefault((stream.Id, stream.Name));

    public void Add(StoredPartition owner, StoredStream stream, long items, long bytes)
    {
        if (!byOwner.TryGetValue((owner.Group.Id, owner.Number), out Dictionary<(long Id, string Name), Backlog>? reserved))
            byOwner.Add((owner.Group.Id, owner.Number), reserved = []);
        Change(reserved, (stream.Id, stream.Name), items, bytes);
        Change(byStream, (stream.Id, stream.Name), items, bytes);
    }

    /// <summary>Gives places back, no more than there are.</summary>
    /// <returns>Whether there is more room now.</returns>
    public bool GiveBack(StoredPartition owner, StoredStream stream, long items, long bytes)
    {
        if (!byOwner.TryGetValue((owner.Group.Id, owner.Number), out Dictionary<(long Id, string Name), Backlog>? reserved)) return false;
        Backlog have = reserved.GetValueOrDefault((stream.Id, stream.Name));
        (items, bytes) = (Math.Min(have.Items, items), Math.Min(have.Bytes, bytes));
        Change(reserved, (stream.Id, stream.Name), -items, -bytes);
        Change(byStream, (stream.Id, stream.Name), -items, -bytes);
        return items > 0;
    }

    /// <summary>Ends all reservations of an owner.</summary>
    /// <returns>The streams that have more room now.</returns>
    public IEnumerable<string> End(long group, int partition)
    {
        if (!byOwner.Remove((group, partition), out Dictionary<(long Id, string Name), Backlog>? reserved)) return [];
        foreach (((long, string) stream, Backlog backlog) in reserved) Change(byStream, stream, -backlog.Items, -backlog.Bytes);
        return reserved.Keys.Select(stream => stream.Name);
    }

    private static void Change(Dictionary<(long Id, string Name), Backlog> of, (long, string) stream, long items, long bytes)
    {
        Backlog backlog = of.GetValueOrDefault(stream);
        backlog.Add(items, bytes);
        if (backlog.Items == 0 && backlog.Bytes == 0) of.Remove(stream);
        else of[stream] = backlog;
    }
}
