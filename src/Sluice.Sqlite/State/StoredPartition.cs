namespace Sluice.Sqlite;

/// <summary>
/// The state of a partition in a group, without its rows (<see cref="StoredRows"/>). An entry is outstanding if it has a row, or is above
/// <see cref="Done"/>, up to <see cref="Dispatched"/>, and has not passed; then it is in flight for the first time.
/// </summary>
internal sealed class StoredPartition(StoredGroup group, int number) : Stored
{
    private SequenceSet passed = new();              // above Done: entries that ended, or have a row
    private long doneSum;                            // the bytes of all entries up to Done

    public StoredGroup Group => group;
    public int Number => number;
    public StoredLog Log { get; } = group.Stream.Logs[number];
    public long Epoch { get; set; }
    public string? Owner { get; set; }
    public int OwnerVersion { get; set; }
    public int Version { get; set; }
    public long Dispatched { get; private set; }
    public long Done { get; private set; }
    public long LastCommit { get; set; }
    public long LastCommitEpoch { get; set; }
    public PartitionFence Fence => new(Epoch, Owner is not null, LastCommitEpoch, LastCommit);
    public long LastOwn { get; set; }                // the last sequence of the group's own entries; negative
    public long Rows { get; set; }
    public long RowBytes { get; set; }
    public long Flying { get; set; }                 // the number of rows in flight
    public long Digest { get; set; }                 // the sum of the contributions of all its rows

    /// <summary>The reason why the partition cannot be used; null if no damage is known.</summary>
    public string? Damage { get; set; }

    /// <exception cref="StreamStoreException">The partition is damaged.</exception>
    public StoredPartition Sound() => Damage is null ? this : throw new StreamStoreException(
        $"The partition {number} of {group.Key} is damaged: {Damage}. Nothing was changed. Restore a backup; CheckAsync lists all damage.")
    { Stream = group.Stream.Name, Partition = number, IsPermanent = true };
    public bool IsEmpty => Rows == 0 && Done == Log.Tail;

    /// <summary>The backlog of the group in this partition. The bytes of entries that ended early count until Done passes them.</summary>
    public Backlog Backlog => new() { Items = Log.Tail - Done - passed.Count + Rows, Bytes = Log.Total - doneSum + RowBytes };

    public void StartAt(long mark) => Load(mark, mark, []);

    public void Load(long dispatched, long done, byte[] passedBytes)
    {
        (Dispatched, Done, passed, doneSum) = (dispatched, done, SequenceSet.Read(passedBytes), Log.SumAt(done));
    }

    public PartitionInfo Info()
        => new(number, Epoch, Owner, Version, Log.Tail, Dispatched, Done, Rows - Flying) { InFlightAgain = Flying };

    /// <summary>Whether an entry is in flight for the first time: outstanding without a row.</summary>
    public bool IsFirstTimer(long sequence) => sequence > Done && sequence <= Dispatched && !passed.Contains(sequence);

    public long FirstTimersIn(long first, long last)
    {
        (first, last) = (Math.Max(first, Done + 1), Math.Min(last, Dispatched));
        return first > last ? 0 : last - first + 1 - passed.CountIn(first, last);
    }

    public IEnumerable<long> FirstTimers(long after = long.MinValue)
    {
        foreach (SequenceRange range in passed.Gaps(Math.Max(Done, after) + 1, Dispatched))
            for (long sequence = range.First; sequence <= range.Last; sequence++) yield return sequence;
    }

    /// <summary>Moves a mark over entries that were leased before a release, and have ended or wait since.</summary>
    public long SkipPassed(long mark) => passed.Contains(mark + 1) ? passed.EndOf(mark + 1) : mark;

    public void DispatchTo(long sequence)
    {
        Change();
        Dispatched = sequence;
        if (Advance()) group.Stream.Trim(number);
    }

    /// <summary>Records that entries in flight for the first time have ended, or have rows now.</summary>
    public void Pass(long first, long last)
    {
        if (Math.Max(first, Done + 1) is var from && from <= last) passed.Add(from, last);
    }

    /// <summary>Returns entries in flight for the first time: Dispatched moves back before them.</summary>
    public void GiveBack()
    {
        foreach (long first in FirstTimers().Take(1)) Dispatched = first - 1;
        Change();
    }

    /// <summary>Moves Done over entries that have passed. Call it before chunks are trimmed.</summary>
    public bool Advance()
    {
        long done = passed.TakeBehind(Done, Dispatched);
        if (done == Done) return false;
        Done = done;
        long sum = Log.SumAt(done);
        group.Backlog.Bytes -= sum - doneSum;
        doneSum = sum;
        Change();
        return true;
    }

    public void Change() => group.Session.Mark(this);

    public override void Save(Database database)
    {
        byte[] bytes = passed.ToBytes();
        long sum = new RowSum().Add(group.Id).Add(number).Add(Epoch).Add(Owner).Add(OwnerVersion).Add(Version).Add(Dispatched).Add(Done)
            .Add(LastCommit).Add(LastCommitEpoch).Add(LastOwn).Add(Rows).Add(RowBytes).Add(Flying).Add(bytes).Add(Digest).Value;
        database.Sql("""
            UPDATE sluice_part SET epoch = ?, owner = ?, owner_version = ?, version = ?, dispatched = ?, done = ?, cseq = ?, cseq_epoch = ?,
                last_own = ?, rows = ?, row_bytes = ?, flying = ?, passed = ?, digest = ?, sum = ? WHERE grp = ? AND part = ?
            """)
            .Put(Epoch).Put(Owner).Put(OwnerVersion).Put(Version).Put(Dispatched).Put(Done).Put(LastCommit).Put(LastCommitEpoch)
            .Put(LastOwn).Put(Rows).Put(RowBytes).Put(Flying).Put(bytes).Put(Digest).Put(sum).Put(group.Id).Put(number).Run();
    }
}
