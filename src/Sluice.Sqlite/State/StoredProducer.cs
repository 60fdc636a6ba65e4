namespace Sluice.Sqlite;

/// <summary>A producer in the database.</summary>
/// <param name="stream">The id of its stream.</param>
/// <param name="name">Its name.</param>
/// <param name="id">The id of its row; zero if it has none yet.</param>
/// <param name="epoch">Its epoch, raised by every opening.</param>
/// <param name="forgetAt">The time when it may be forgotten, in ticks of <see cref="Session.OpenTicks"/>; null for never.</param>
/// <param name="position">Its resume position.</param>
internal sealed class StoredProducer(long stream, string name, long id, long epoch, long? forgetAt, byte[] position) : Stored
{
    private bool hasMore;                            // columns changed that most appends leave unchanged

    public long Epoch => epoch;
    public byte[] Position => position;
    public long? ForgetAt => forgetAt;
    public long Last { get; private set; }
    public long LastFrom { get; private set; }       // the first number of the last append
    public EntryId? LastId { get; private set; }     // the id of that entry

    /// <summary>The checksum of its row.</summary>
    public long Sum => new RowSum().Add(stream).Add(name).Add(Last).Add(LastFrom).Add(LastId?.Generation ?? 0).Add(LastId?.Partition ?? 0)
        .Add(LastId?.Sequence ?? 0).Add(epoch).Add(forgetAt).Add(position).Value;

    public void Open() => (epoch, hasMore) = (StoreRules.NextEpoch(epoch, stream), true);

    public void Append(long first, long last, EntryId? entry) => (LastFrom, Last, LastId) = (first, last, entry);

    public void Remember(byte[] newPosition) => (position, hasMore) = (newPosition, true);

    /// <summary>
    /// Sets the time when it may be forgotten. An extension adds an eighth of the window, so that not every append changes the row and its
    /// index.
    /// </summary>
    public void ForgetAfter(long? window, long now)
    {
        long? by = now + window, latest = by + window / 8;
        if (by is null ? forgetAt is null : forgetAt >= by && forgetAt <= latest) return;
        (forgetAt, hasMore) = (forgetAt < by ? latest : by, true);
    }

    public override void Save(Database database)
    {
        if (id == 0)
        {
            database.Sql(
                "INSERT OR REPLACE INTO sluice_producer(last, last_from, generation, part, first, epoch, forget, position, stream, name, "
                    + "sum) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .Put(Last).Put(LastFrom).Put(LastId?.Generation ?? 0).Put(LastId?.Partition ?? 0).Put(LastId?.Sequence ?? 0)
                .Put(epoch).Put(forgetAt).Put(position).Put(stream).Put(name).Put(Sum).Run();
            id = database.LastId;
        }
        else
        {
            database.Sql("UPDATE sluice_producer SET last = ?, last_from = ?, generation = ?, part = ?, first = ?, sum = ? WHERE id = ?")
                .Put(Last).Put(LastFrom).Put(LastId?.Generation ?? 0).Put(LastId?.Partition ?? 0).Put(LastId?.Sequence ?? 0).Put(Sum)
                .Put(id).Run();
            if (hasMore) database.Sql("UPDATE sluice_producer SET epoch = ?, forget = ?, position = ? WHERE id = ?").Put(epoch)
                .Put(forgetAt).Put(position).Put(id).Run();
        }
        hasMore = false;
    }
}
