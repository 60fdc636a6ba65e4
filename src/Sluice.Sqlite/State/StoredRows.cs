namespace Sluice.Sqlite;

/// <summary>
/// Rows of entries that left the order, with their payloads, so that chunks can go. They are in the database only: a backlog of them takes no
/// memory. Counts are kept in their <see cref="StoredPartition"/>, so that a partition without rows asks nothing.
/// </summary>
internal static class StoredRows
{
    private const string Columns = "SELECT seq, state, attempts, due, node, error, bytes, blob FROM sluice_row WHERE grp = ? AND part = ? ";

    public static bool Has(StoredPartition partition, long sequence) => CountIn(partition, sequence, sequence).Count > 0;

    /// <summary>How many rows there are in a range, their bytes, and how many of them are in flight.</summary>
    public static (long Count, long Bytes, long Flying) CountIn(StoredPartition partition, long first, long last)
    {
        if (partition.Rows == 0) return default;
        Statement count = Sql(partition, "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(state = 0), 0) FROM sluice_row WHERE grp = ? AND part = ? AND seq BETWEEN ? AND ?")
            .Put(first).Put(last);
        count.Next();
        (long, long, long) found = (count.Long(0), count.Long(1), count.Long(2));
        count.Reset();
        return found;
    }

    public static List<WaitingEntry> List(StoredPartition partition, bool withPayload, long after, int max)
    {
        List<WaitingEntry> found = [];
        if (partition.Rows == 0) return found;
        Statement rows = Sql(partition, Columns + "AND seq > ? ORDER BY seq LIMIT ?").Put(after).Put(max);
        while (rows.Next())
        {
            Entry entry = withPayload ? RowBlob.Read(rows.Bytes(7), rows.Long(0), partition.Group.Stream.Name, partition.Number) : RowBlob.ReadHead(rows.Bytes(7), rows.Long(0), partition.Group.Stream.Name, partition.Number);
            var state = (WaitingState)rows.Int(1);
            DateTimeOffset? due = state == WaitingState.Retrying ? new(rows.Long(3), TimeSpan.Zero) : null;
            found.Add(new(withPayload ? entry : entry, state, rows.Int(2), due, rows.Text(4), rows.Text(5)));
        }
        return found;
    }

    public static Entry Read(StoredPartition partition, long sequence)
    {
        Statement row = Sql(partition, Columns + "AND seq = ?").Put(sequence);
        if (!row.Next()) throw new InvalidOperationException($"{partition.Group.Key}/{partition.Number}/{sequence} has no row.");
        byte[] blob = row.Bytes(7);
        row.Reset();
        return RowBlob.Read(blob, sequence, partition.Group.Stream.Name, partition.Number);
    }

    /// <summary>Retries that are due: by due time, those of one instant by sequence.</summary>
    public static List<LeasableRow> Due(StoredPartition partition, long now, int max, long room)
    {
        List<LeasableRow> due = [];
        Statement rows = Sql(partition, Columns + "AND state = 1 AND due <= ? ORDER BY due, abs(seq), seq LIMIT ?").Put(now).Put(max);
        while (rows.Next())
        {
            if (rows.Long(6) > room) break;
            room -= rows.Long(6);
            due.Add(Leasable(partition, rows));
            if (room <= 0) break;
        }
        rows.Reset();
        return due;
    }

    public static LeasableRow? FirstSuspect(StoredPartition partition)
    {
        if (partition.Rows == partition.Flying) return null;
        Statement row = Sql(partition, Columns + "AND state = 3 ORDER BY seq LIMIT 1");
        if (!row.Next()) return null;
        LeasableRow suspect = Leasable(partition, row);
        row.Reset();
        return suspect;
    }

    private static LeasableRow Leasable(StoredPartition partition, Statement row)
    {
        (long sequence, int attempts, long bytes, byte[] blob) = (row.Long(0), row.Int(2), row.Long(6), row.Bytes(7));
        try
        {
            return new(sequence, RowBlob.Read(blob, sequence, partition.Group.Stream.Name, partition.Number), attempts, bytes, Damage: null);
        }
        catch (StreamStoreException damage)
        {
            return new(sequence, new() { Payload = blob }, attempts, bytes, damage.Message);
        }
    }

    public static long? NextDue(StoredPartition partition)
    {
        if (partition.Rows == partition.Flying) return null;
        Statement next = Sql(partition, "SELECT min(due) FROM sluice_row WHERE grp = ? AND part = ? AND state = 1");
        long? due = next.Next() ? next.LongOrNull(0) : null;
        next.Reset();
        return due;
    }

    public static void Insert(StoredPartition partition, in Entry entry, WaitingState state, int attempts, long? due, string node, string error)
        => Insert(partition, entry.Sequence, RowBlob.Write(entry), entry.Headers.Length + entry.Payload.Length, state, attempts, due, node, error);

    /// <summary>An entry that cannot be read, with what there is of it: whoever leases it is told.</summary>
    public static void InsertDamaged(StoredPartition partition, long sequence, WaitingState state) => Insert(partition, sequence, [], 0, state, 0, null, "", "");

    private static void Insert(StoredPartition partition, long sequence, byte[] blob, long bytes, WaitingState state, int attempts, long? due, string node, string error)
    {
        Database database = partition.Group.Session.Database;
        database.Sql("INSERT INTO sluice_row(grp, part, seq, state, before, alone, attempts, due, bytes, node, error, blob) VALUES(?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?)")
            .Put(partition.Group.Id).Put(partition.Number).Put(sequence).Put((long)state).Put(attempts).Put(due).Put(bytes)
            .Put(node).Put(error).Put(blob).Run();
        Count(partition, 1, bytes);
    }

    public static void Lease(StoredPartition partition, long sequence, bool alone)
    {
        partition.Change();                          // first: it begins the transaction, without which the row would be stored by itself
        partition.Flying++;
        partition.Group.Session.Sql("UPDATE sluice_row SET before = state, state = 0, alone = ? WHERE grp = ? AND part = ? AND seq = ?")
            .Put(alone ? 1 : 0).Put(partition.Group.Id).Put(partition.Number).Put(sequence).Run();
    }

    public static void Defer(StoredPartition partition, long sequence, WaitingState state, int attempts, long? due, string node, string error)
    {
        partition.Flying -= CountIn(partition, sequence, sequence).Flying;
        partition.Group.Session.Sql("UPDATE sluice_row SET state = ?, alone = 0, attempts = ?, due = ?, node = ?, error = ? WHERE grp = ? AND part = ? AND seq = ?")
            .Put((long)state).Put(attempts).Put(due).Put(node).Put(error).Put(partition.Group.Id).Put(partition.Number).Put(sequence).Run();
    }

    public static void Delete(StoredPartition partition, long first, long last)
    {
        (long count, long bytes, long flying) = CountIn(partition, first, last);
        if (count == 0) return;
        Sql(partition, "DELETE FROM sluice_row WHERE grp = ? AND part = ? AND seq BETWEEN ? AND ?").Put(first).Put(last).Run();
        Count(partition, -count, -bytes);
        partition.Flying -= flying;
    }

    /// <summary>What is in flight is suspect; what was running alone is charged.</summary>
    public static void Suspect(StoredPartition partition, bool isAlive)
    {
        if (partition.Flying > 0)
            Sql(partition, isAlive ? "UPDATE sluice_row SET state = 3, alone = 0, due = NULL WHERE grp = ? AND part = ? AND state = 0"
                : "UPDATE sluice_row SET attempts = attempts + alone, state = 3, alone = 0, due = NULL WHERE grp = ? AND part = ? AND state = 0").Run();
        partition.Flying = 0;
    }

    /// <summary>What is in flight is again what it was before.</summary>
    public static void GiveBack(StoredPartition partition)
    {
        if (partition.Flying > 0) Sql(partition, "UPDATE sluice_row SET state = before, alone = 0 WHERE grp = ? AND part = ? AND state = 0").Run();
        partition.Flying = 0;
    }

    private static void Count(StoredPartition partition, long rows, long bytes)
    {
        partition.Rows += rows;
        partition.RowBytes += bytes;
        partition.Group.Backlog.Bytes += bytes;
    }

    private static Statement Sql(StoredPartition partition, string literal)
        => partition.Group.Session.Sql(literal).Put(partition.Group.Id).Put(partition.Number);
}

/// <summary>A row that may be leased. Of one that is damaged the entry has what there is of it for a payload.</summary>
internal readonly record struct LeasableRow(long Sequence, Entry Entry, int Attempts, long Bytes, string? Damage)
{
    public LeaseDamage Damaged(Ownership owner) => new(owner, new(Sequence, Sequence), Damage!) { Attempt = Attempts + 1, Raw = Entry.Payload };
}
