namespace Sluice.Sqlite;

/// <summary>A consumer group in the database.</summary>
internal sealed class StoredGroup(Session session, StoredStream stream, long id, string name) : Stored
{
    private long? letters;

    public Session Session => session;
    public StoredStream Stream => stream;
    public long Id => id;
    public string Name => name;
    public GroupId Key => new(stream.Name, name);
    public StoredPartition[] Partitions { get; set; } = [];
    public long LastDead { get; set; }
    public string? QuarantineOwner { get; set; }
    public long QuarantineEpoch { get; set; }
    public DateTimeOffset? PausedAt { get; set; }
    public bool IsDraining { get; set; }
    public Backlog Backlog;

    public override void Save(Database database)
        => database.Sql("UPDATE sluice_group SET last_dead = ?, quarantine_owner = ?, quarantine_epoch = ?, paused = ?, draining = ? "
            + "WHERE id = ?").Put(LastDead).Put(QuarantineOwner).Put(QuarantineEpoch).Put(PausedAt?.UtcTicks).Put(IsDraining ? 1 : 0)
            .Put(id).Run();

    public GroupInfo Info() => new(
        [.. session.Living.MembersOf(id).Values],
        [.. Partitions.Select(partition => partition.Info())],
        QuarantineOwner, QuarantineEpoch)
    { PausedAt = PausedAt, IsDraining = IsDraining };

    /// <summary>The number of its dead letters: counted once, then kept up to date by <see cref="AddLetters"/>.</summary>
    public long Letters => letters ??= CountLetters();

    public void AddLetters(int change) => letters += change;

    private long CountLetters()
    {
        Statement count = session.Sql("SELECT count(*) FROM sluice_dead WHERE grp = ?").Put(id);
        count.Next();
        long dead = count.Long(0);
        count.Reset();
        return dead;
    }
}
