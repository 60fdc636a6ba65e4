namespace Sluice.Sqlite;

/// <summary>
/// State that is not stored, because it ends with the process: the clock, heartbeats, reservations, when readers expire. Members of an
/// earlier opening are gone, because only one process opens the store. Used by the writer's thread, except <see cref="Changes"/>.
/// </summary>
internal sealed class Living
{
    private static readonly SortedDictionary<string, MemberInfo> Nobody = [];
    private readonly Dictionary<long, SortedDictionary<string, MemberInfo>> members = [];
    // The last to acquire; the epoch tells whether that was stored.
    private readonly Dictionary<(long Group, int Partition), (long Epoch, string? Instance)> owners = [];

    // When each reader expires, by its id; ids are never used again. Sessions and loaded streams end more often than readers.
    private readonly Dictionary<long, DateTimeOffset> expiries = [];

    public int RecentBlocks { get; init; } = 256;

    /// <summary>See <see cref="SqliteStoreOptions.MaxFunctionTime"/>.</summary>
    public TimeSpan MaxFunctionTime { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The total time for which the store was closed, in ticks. Set once, when it is opened.</summary>
    public long Away { get; set; }

    public StoreClock Clock { get; set; } = new(TimeProvider.System);
    /// <summary>For tests of failures: called around the end of each transaction, with false before and true after it.</summary>
    public Action<bool>? Probe { get; set; }

    public StreamChanges Changes { get; } = new();
    public Reservations Reserved { get; } = new();
    public UnreadableParts Unreadable { get; } = new();

    public SortedDictionary<string, MemberInfo> MembersOf(long group) => members.GetValueOrDefault(group, Nobody);

    public HeartbeatResult Beat(long group, HeartbeatRequest request)
    {
        if (!members.TryGetValue(group, out SortedDictionary<string, MemberInfo>? present))
            members.Add(group, present = new(StringComparer.Ordinal));
        MemberInfo? known = present.TryGetValue(request.Member, out MemberInfo holder) ? holder : null;
        if (request.Apply(known) is not { } now) return new(HeartbeatStatus.Refused, holder);
        present[request.Member] = now;
        return new(HeartbeatStatus.Accepted, now);
    }

    public void Leave(long group, string member)
    {
        if (members.TryGetValue(group, out SortedDictionary<string, MemberInfo>? present) && present.Remove(member) && present.Count == 0)
            members.Remove(group);
    }

    public DateTimeOffset? ExpiryOf(long reader) => expiries.TryGetValue(reader, out DateTimeOffset at) ? at : null;

    public void SetExpiry(long reader, DateTimeOffset at) => expiries[reader] = at;

    public void ForgetReader(long reader) => expiries.Remove(reader);

    /// <summary>Whether an instance acquired a partition in its present epoch.</summary>
    public bool Has(long group, int partition, long epoch, string? instance)
        => instance is not null && owners.TryGetValue((group, partition), out var owner) && owner == (epoch, instance);

    /// <summary>Records the instance that acquires a partition.</summary>
    public void Take(long group, int partition, long epoch, string? instance) => owners[(group, partition)] = (epoch, instance);

    public void Forget(long group)
    {
        members.Remove(group);
        foreach ((long Group, int Partition) owned in owners.Keys.Where(owned => owned.Group == group).ToArray()) owners.Remove(owned);
    }
}
