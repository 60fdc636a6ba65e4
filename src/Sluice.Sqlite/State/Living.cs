namespace Sluice.Sqlite;

/// <summary>
/// What ends with the process, and is therefore not stored: the clock, heartbeats (nobody else can have the store open, so whoever was a member when it
/// was last open is gone), reserved places. Used by the writer's thread, except for <see cref="Changes"/>.
/// </summary>
internal sealed class Living
{
    private static readonly SortedDictionary<string, MemberInfo> Nobody = [];
    private readonly Dictionary<long, SortedDictionary<string, MemberInfo>> members = [];
    private readonly Dictionary<(long Group, int Partition), (long Epoch, string? Instance)> owners = [];          // which instance has taken a partition last; the epoch tells whether that was stored

    public int RecentBlocks { get; init; } = 256;
    /// <summary>How long the store was closed in its life, in ticks. Set once, when it is opened.</summary>
    public long Away { get; set; }

    public StoreClock Clock { get; set; } = new(TimeProvider.System);
    /// <summary>Called around the end of each transaction, for tests of what fails there: false before, true after it.</summary>
    public Action<bool>? Probe { get; set; }

    public StreamChanges Changes { get; } = new();
    public Reservations Reserved { get; } = new();

    public SortedDictionary<string, MemberInfo> MembersOf(long group) => members.GetValueOrDefault(group, Nobody);

    public HeartbeatResult Beat(long group, HeartbeatRequest request)
    {
        if (!members.TryGetValue(group, out SortedDictionary<string, MemberInfo>? present)) members.Add(group, present = new(StringComparer.Ordinal));
        MemberInfo? known = present.TryGetValue(request.Member, out MemberInfo holder) ? holder : null;
        if (request.Apply(known) is not { } now) return new(HeartbeatStatus.Refused, holder);
        present[request.Member] = now;
        return new(HeartbeatStatus.Accepted, now);
    }

    public void Leave(long group, string member)
    {
        if (members.TryGetValue(group, out SortedDictionary<string, MemberInfo>? present) && present.Remove(member) && present.Count == 0) members.Remove(group);
    }

    /// <summary>Whether an instance has taken a partition in its present epoch.</summary>
    public bool Has(long group, int partition, long epoch, string? instance) => instance is not null && owners.TryGetValue((group, partition), out var owner) && owner == (epoch, instance);

    /// <summary>An instance takes a partition.</summary>
    public void Take(long group, int partition, long epoch, string? instance) => owners[(group, partition)] = (epoch, instance);

    public void Forget(long group)
    {
        members.Remove(group);
        foreach ((long Group, int Partition) owned in owners.Keys.Where(owned => owned.Group == group).ToArray()) owners.Remove(owned);
    }
}
