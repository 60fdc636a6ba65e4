using Sluice.Membership;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Membership;

/// <summary>A group in memory, on a clock that a test moves. Its members decide by <see cref="PartitionShare"/>.</summary>
internal sealed class ShareLab(int partitions)
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    private readonly PartitionInfo[] all = [.. Enumerable.Range(0, partitions)
        .Select(static number => new PartitionInfo(number, 0, null, 0, 0, 0, 0, 0))];
    private readonly SortedDictionary<string, MemberInfo> members = new(StringComparer.Ordinal);

    public TestClock Clock { get; } = new();

    public GroupInfo Group => new([.. members.Values], [.. all], null, 0);

    /// <summary>The owners in the order of the partitions; a dash where there is none.</summary>
    public string Owners => string.Concat(all.Select(static partition => partition.Owner ?? "-"));

    /// <summary>The sum of all epochs: how often a partition was acquired.</summary>
    public long Moves => all.Sum(static partition => partition.Epoch);

    public void Beat(string name)
        => members[name] = new(name, members.TryGetValue(name, out MemberInfo known) ? known.Heartbeats + 1 : 1, $"{name}-1", LeaseTime);

    public void Leave(string name)
    {
        members.Remove(name);
        for (int number = 0; number < all.Length; number++)
            if (all[number].Owner == name) all[number] = all[number] with { Owner = null };
    }

    /// <summary>Acquires a partition, as a store does: only if it still has the epoch that the member saw.</summary>
    public Ownership? Acquire(string name, PartitionInfo asSeen)
    {
        PartitionInfo now = all[asSeen.Partition];
        if (now.Epoch != asSeen.Epoch) return null;
        all[asSeen.Partition] = now with { Epoch = now.Epoch + 1, Owner = name };
        return new(new("work", "work"), asSeen.Partition, now.Epoch + 1);
    }

    public void Release(Ownership owner)
    {
        PartitionInfo now = all[owner.Partition];
        if (now.Epoch == owner.Epoch) all[owner.Partition] = now with { Owner = null };
    }

    public bool IsOwner(Ownership owner) => all[owner.Partition].Epoch == owner.Epoch;
}

/// <summary>A member of a <see cref="ShareLab"/>.</summary>
internal sealed class ShareMember
{
    private readonly ShareLab lab;
    private readonly Dictionary<int, Ownership> owned = [];
    private HashSet<int> leaving = [];

    public ShareMember(ShareLab lab, string name)
    {
        (this.lab, Name) = (lab, name);
        Share = new(name, new(lab.Clock), ShareLab.LeaseTime, lab.Clock);
        View = lab.Group;
    }

    public string Name { get; }

    public PartitionShare Share { get; }

    public GroupInfo View { get; private set; }

    /// <summary>The numbers of items in flight, by partition.</summary>
    public Dictionary<int, int> InFlight { get; } = [];

    public IReadOnlyCollection<int> Owned => owned.Keys;

    /// <summary>Sends a heartbeat and looks at the group.</summary>
    public void Beat()
    {
        lab.Beat(Name);
        View = lab.Group;
        Share.See(View, lab.Clock.GetTimestamp());
    }

    public List<int> ToAcquire(AcquireScope scope = AcquireScope.Share)
        => [.. Share.ToAcquire(View, owned.Keys, scope).Select(static partition => partition.Partition)];

    public HashSet<int> ToRelease() => leaving = Share.ToRelease(View, [.. owned.Keys.Order().Select(number
        => new PartitionInUse(number, InFlight.GetValueOrDefault(number), leaving.Contains(number), MayLeave: true))]);

    /// <summary>Releases and acquires what follows from its view, which may be older than the group.</summary>
    public void Act()
    {
        foreach (Ownership stale in owned.Values.Where(owner => !lab.IsOwner(owner)).ToArray()) owned.Remove(stale.Partition);
        foreach (int number in ToRelease().Where(number => InFlight.GetValueOrDefault(number) == 0).ToArray()) Release(number);
        foreach (PartitionInfo partition in Share.ToAcquire(View, owned.Keys))
            if (Share.IsStillFree(partition) && lab.Acquire(Name, partition) is { } owner) owned[owner.Partition] = owner;
    }

    /// <summary>Acquires partitions, whatever its share.</summary>
    public void Acquire(params int[] numbers)
    {
        foreach (int number in numbers) owned[number] = lab.Acquire(Name, lab.Group.Partitions[number])!.Value;
    }

    public void Release(int number)
    {
        Ownership owner = owned[number];
        owned.Remove(number);
        leaving.Remove(number);
        Share.NoteRelease(owner);
        lab.Release(owner);
    }
}
