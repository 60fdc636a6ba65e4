namespace Sluice.PostgreSql;

/// <summary>A group of a stream that a round has locked.</summary>
internal sealed class GroupRow(StreamRow stream, long id, string name)
{
    public StreamRow Stream => stream;
    public long Id => id;
    public string Name => name;
    public GroupId Group => new(stream.Name, name);

    /// <summary>The entries of the stream that are not outstanding, minus the group's own entries; and their bytes.</summary>
    public long Items { get; set; }
    public long Bytes { get; set; }
    public long Dead { get; set; }
    public long LastDead { get; set; }
    public string? QuarantineOwner { get; set; }
    public long QuarantineEpoch { get; set; }
    public long? Paused { get; set; }
    public bool IsDraining { get; set; }

    /// <summary>When the group was paused; null if it is not.</summary>
    public DateTimeOffset? PausedAt => Paused is { } at ? new(at, TimeSpan.Zero) : null;
    public Dictionary<int, OwnedRow> Owned { get; } = [];
    public bool IsChanged { get; set; }
}

/// <summary>
/// The marks of a partition in a group. An entry is outstanding if it has a row in <c>waiting</c>, or is above <see cref="Done"/>, up to
/// <see cref="Dispatched"/>, and not in <see cref="Passed"/>; then it is in flight for the first time.
/// </summary>
internal sealed class OwnedRow(GroupRow group, int number)
{
    public GroupRow Group => group;
    public int Number => number;
    public long Epoch { get; set; }
    public string? Owner { get; set; }
    public string? Instance { get; set; }
    public int OwnerVersion { get; set; }
    public int Version { get; set; }
    public long Dispatched { get; set; }
    public long Done { get; set; }
    public long LastCommit { get; set; }
    public long CommitEpoch { get; set; }
    public long LastOwn { get; set; }

    /// <summary>The numbers of rows: all, in flight, retrying, suspects.</summary>
    public int Rows { get; set; }
    public int Flying { get; set; }
    public int Retrying { get; set; }
    public int Suspects { get; set; }

    /// <summary>Sequences above <see cref="Done"/> that ended, or have a row.</summary>
    public SequenceSet Passed { get; set; } = new();
    public bool IsChanged { get; set; }

    public PartitionFence Fence => new(Epoch, Owner is not null, CommitEpoch, LastCommit);

    public Ownership Ownership => new(group.Group, number, Epoch);

    public bool IsFirstTimer(long sequence) => sequence > Done && sequence <= Dispatched && !Passed.Contains(sequence);

    /// <summary>The ranges of entries in flight for the first time, within two bounds.</summary>
    public IEnumerable<SequenceRange> FirstTimers(long first = long.MinValue, long last = long.MaxValue)
        => Passed.Gaps(Math.Max(first, Done + 1), Math.Min(last, Dispatched));

    public void Pass(long first, long last)
    {
        first = Math.Max(first, Done + 1);
        if (last >= first) Passed.Add(first, last);
    }

    /// <summary>Moves <see cref="Done"/> over what has passed.</summary>
    public void Advance() => Done = Passed.TakeBehind(Done, Dispatched);

    /// <summary>The mark behind entries that have passed since they were given back.</summary>
    public long Skip(long mark) => Math.Max(mark, Passed.EndOf(mark + 1));

    public void Count(WaitingStatus state, int by)
    {
        Rows += by;
        if (state == WaitingStatus.InFlight) Flying += by;
        else if (state == WaitingStatus.Retrying) Retrying += by;
        else if (state == WaitingStatus.Suspect) Suspects += by;
    }

    public PartitionInfo Info(long tail)
        => new(number, Epoch, Owner, Version, tail, Dispatched, Done, Rows - Flying) { InFlightAgain = Flying };
}
