namespace Sluice.Sqlite;

/// <summary>A producer as the database has it.</summary>
/// <param name="stream">Its stream.</param>
/// <param name="name">Its name.</param>
/// <param name="id">Its row; zero if it has none yet.</param>
/// <param name="epoch">Raised by every opening.</param>
/// <param name="forgetAt">When it may be forgotten, in ticks of the time in which the store is open; null for never.</param>
/// <param name="position">What it wants to find again.</param>
internal sealed class StoredProducer(long stream, string name, long id, long epoch, long? forgetAt, byte[] position) : Stored
{
    private bool hasMore;                            // changed: what most appends leave as it is

    public long Epoch => epoch;
    public byte[] Position => position;
    public long? ForgetAt => forgetAt;
    public long Last { get; private set; }
    public long LastFrom { get; private set; }       // the first number of the last append
    public EntryId? LastId { get; private set; }     // where that went

    /// <summary>The checksum of its row.</summary>
    public long Sum => new RowSum().Add(stream).Add(name).Add(Last).Add(LastFrom).Add(LastId?.Generation ?? 0).Add(LastId?.Partition ?? 0).Add(LastId?.Sequence ?? 0).Add(epoch).Add(forgetAt).Add(position).Value;

    public void Open() => (epoch, hasMore) = (epoch + 1, true);

    public void Append(long first, long last, EntryId? entry) => (LastFrom, Last, LastId) = (first, last, entry);

    public void Remember(byte[] newPosition) => (position, hasMore) = (newPosition, true);

    /// <summary>Says when it may be forgotten. What an earlier append said is moved an eighth further than asked for, so that not every append changes the row and its index.</summary>
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
            database.Sql("INSERT OR REPLACE INTO sluice_producer(last, last_from, generation, part, first, epoch, forget, position, stream, name, sum) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .Put(Last).Put(LastFrom).Put(LastId?.Generation ?? 0).Put(LastId?.Partition ?? 0).Put(LastId?.Sequence ?? 0)
                .Put(epoch).Put(forgetAt).Put(position).Put(stream).Put(name).Put(Sum).Run();
            id = database.LastId;
        }
        else
        {
            database.Sql("UPDATE sluice_producer SET last = ?, last_from = ?, generation = ?, part = ?, first = ?, sum = ? WHERE id = ?")
                .Put(Last).Put(LastFrom).Put(LastId?.Generation ?? 0).Put(LastId?.Partition ?? 0).Put(LastId?.Sequence ?? 0).Put(Sum).Put(id).Run();
            if (hasMore) database.Sql("UPDATE sluice_producer SET epoch = ?, forget = ?, position = ? WHERE id = ?").Put(epoch).Put(forgetAt).Put(position).Put(id).Run();
        }
        hasMore = false;
    }
}
