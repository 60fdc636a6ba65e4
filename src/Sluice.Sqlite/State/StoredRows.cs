namespace Sluice.Sqlite;

/// <summary>
/// The rows of entries that left the order, with their payloads, so that their chunks can be removed. They are only in the database and
/// take no memory. Each <see cref="StoredPartition"/> keeps their counts, so that a partition without rows needs no query.
/// </summary>
internal static class StoredRows
{
    /// <summary>The columns for <see cref="RowMarks.Read"/>, followed by the entry.</summary>
    public const string Columns =
        "SELECT seq, state, before, alone, attempts, due, bytes, node, error, sum, blob FROM sluice_row WHERE grp = ? AND part = ? ";

    /// <summary>The same columns, followed by the row's id.</summary>
    public const string AllColumns =
        "SELECT seq, state, before, alone, attempts, due, bytes, node, error, sum, blob, id FROM sluice_row WHERE grp = ? AND part = ?";

    private const int Blob = 10;

    public static bool Has(StoredPartition partition, long sequence) => CountIn(partition, sequence, sequence).Count > 0;

    /// <summary>Returns the number of rows in a range, their bytes, and the number of those in flight.</summary>
    public static (long Count, long Bytes, long Flying) CountIn(StoredPartition partition, long first, long last)
    {
        if (partition.Rows == 0) return default;
        Statement count = Sql(partition,
            "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(state = 0), 0) FROM sluice_row WHERE grp = ? AND part = ? AND seq "
                + "BETWEEN ? AND ?")
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
            RowMarks row = RowMarks.Read(rows);
            if (!row.IsSound) throw Damaged(partition, row.Sequence);
            byte[] blob = rows.Bytes(Blob);
            Entry entry = withPayload ? RowBlob.Read(blob, row.Sequence, partition.Group.Stream.Name, partition.Number)
                : RowBlob.ReadHead(blob, row.Sequence, partition.Group.Stream.Name, partition.Number);
            DateTimeOffset? due = row.State == WaitingStatus.Retrying ? new(row.Due ?? 0, TimeSpan.Zero) : null;
            found.Add(new(entry, row.State, row.Attempts, due, row.Node, row.Error));
        }
        return found;
    }

    public static Entry Read(StoredPartition partition, long sequence)
    {
        Statement row = Sql(partition, Columns + "AND seq = ?").Put(sequence);
        if (!row.Next()) throw new InvalidOperationException($"{partition.Group.Key}/{partition.Number}/{sequence} has no row.");
        byte[] blob = row.Bytes(Blob);
        row.Reset();
        return RowBlob.Read(blob, sequence, partition.Group.Stream.Name, partition.Number);
    }

    /// <summary>Returns due retries: by due time, then by sequence.</summary>
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

    private static LeasableRow Leasable(StoredPartition partition, Statement found)
    {
        (RowMarks row, byte[] blob) = (RowMarks.Read(found), found.Bytes(Blob));
        try
        {
            if (!row.IsSound) throw Damaged(partition, row.Sequence);
            return new(row, RowBlob.Read(blob, row.Sequence, partition.Group.Stream.Name, partition.Number), Damage: null);
        }
        catch (StreamStoreException damage)
        {
            return new(row, new() { Payload = blob }, damage.Message);
        }
    }

    private static StreamStoreException Damaged(StoredPartition partition, long sequence)
        => new($"The entry {partition.Group.Stream.Name}/{partition.Number}/{sequence}, which waits, is damaged: what its row says of it "
        + $"does not match its checksum. Restore a backup.")
        { Stream = partition.Group.Stream.Name, Partition = partition.Number, Sequence = sequence, IsPermanent = true };

    public static long? NextDue(StoredPartition partition)
    {
        if (partition.Rows == partition.Flying) return null;
        Statement next = Sql(partition, "SELECT min(due) FROM sluice_row WHERE grp = ? AND part = ? AND state = 1");
        long? due = next.Next() ? next.LongOrNull(0) : null;
        next.Reset();
        return due;
    }

    public static void Insert(StoredPartition partition, in Entry entry, WaitingStatus state, int attempts, long? due, string node,
        string error)
        => Insert(partition, entry.Sequence, RowBlob.Write(entry), entry.Headers.Length + entry.Payload.Length, state, attempts, due, node,
        error);

    /// <summary>Inserts a row for a damaged entry, without its bytes.</summary>
    public static void InsertDamaged(StoredPartition partition, long sequence, WaitingStatus state)
        => Insert(partition, sequence, [], 0, state, 0, null, "", "");

    private static void Insert(StoredPartition partition, long sequence, byte[] blob, long bytes, WaitingStatus state, int attempts,
        long? due, string node, string error)
    {
        var row = new RowMarks(sequence, state, default, IsAlone: false, attempts, due, bytes, node, error);
        partition.Group.Session.Sql(
            "INSERT INTO sluice_row(grp, part, seq, state, before, alone, attempts, due, bytes, node, error, blob, sum) VALUES(?, ?, ?, "
                + "?, 0, 0, ?, ?, ?, ?, ?, ?, ?)")
            .Put(partition.Group.Id).Put(partition.Number).Put(sequence).Put((long)state).Put(attempts).Put(due).Put(bytes)
            .Put(node).Put(error).Put(blob).Put(row.Sum).Run();
        Count(partition, 1, bytes);
        partition.Digest += RowSum.Presence(sequence);
    }

    public static void Lease(StoredPartition partition, in RowMarks row, bool alone)
    {
        partition.Change();                          // first: it begins the transaction; otherwise SQLite would commit the row alone
        partition.Flying++;
        Change(partition, row with { Before = row.State, State = WaitingStatus.InFlight, IsAlone = alone });
    }

    public static void Defer(StoredPartition partition, long sequence, WaitingStatus state, int attempts, long? due, string node,
        string error)
    {
        (_, long bytes, long flying) = CountIn(partition, sequence, sequence);
        partition.Flying -= flying;
        var row = new RowMarks(sequence, state, default, IsAlone: false, attempts, due, bytes, node, error);
        partition.Group.Session.Sql(
            "UPDATE sluice_row SET state = ?, before = 0, alone = 0, attempts = ?, due = ?, node = ?, error = ?, sum = ? WHERE grp = ? "
                + "AND part = ? AND seq = ?")
            .Put((long)state).Put(attempts).Put(due).Put(node).Put(error).Put(row.Sum).Put(partition.Group.Id).Put(partition.Number)
            .Put(sequence).Run();
    }

    public static void Delete(StoredPartition partition, long first, long last)
    {
        if (partition.Rows == 0) return;
        Statement deleted = Sql(partition,
            "DELETE FROM sluice_row WHERE grp = ? AND part = ? AND seq BETWEEN ? AND ? RETURNING seq, bytes, state").Put(first).Put(last);
        while (deleted.Next())
        {
            Count(partition, -1, -deleted.Long(1));
            if (deleted.Long(2) == (long)WaitingStatus.InFlight) partition.Flying--;
            partition.Digest -= RowSum.Presence(deleted.Long(0));
        }
    }

    /// <summary>Turns rows in flight into suspects, and charges those that ran alone.</summary>
    public static void Suspect(StoredPartition partition, bool isAlive)
    {
        foreach (RowMarks row in InFlight(partition))
            Change(partition, row with
            {
                Attempts = row.Attempts + (row.IsAlone && !isAlive ? 1 : 0),
                State = WaitingStatus.Suspect,
                IsAlone = false,
                Due = null
            });
        partition.Flying = 0;
    }

    /// <summary>Returns rows in flight to their state before the lease.</summary>
    public static void GiveBack(StoredPartition partition)
    {
        foreach (RowMarks row in InFlight(partition)) Change(partition, row with { State = row.Before, IsAlone = false });
        partition.Flying = 0;
    }

    private static List<RowMarks> InFlight(StoredPartition partition)
    {
        List<RowMarks> flying = [];
        if (partition.Flying == 0) return flying;
        Statement rows = Sql(partition, Columns + "AND state = 0");
        while (rows.Next()) flying.Add(RowMarks.Read(rows));
        return flying;
    }

    // A damaged row must not get a valid checksum.
    private static void Change(StoredPartition partition, in RowMarks row)
        => partition.Group.Session.Sql(
        "UPDATE sluice_row SET state = ?, before = ?, alone = ?, attempts = ?, due = ?, sum = ? WHERE grp = ? AND part = ? AND seq = ?")
            .Put((long)row.State).Put((long)row.Before).Put(row.IsAlone ? 1 : 0).Put(row.Attempts).Put(row.Due)
            .Put(row.IsSound ? row.Sum : ~row.Sum)
            .Put(partition.Group.Id).Put(partition.Number).Put(row.Sequence).Run();

    private static void Count(StoredPartition partition, long rows, long bytes)
    {
        partition.Rows += rows;
        partition.RowBytes += bytes;
        partition.Group.Backlog.Bytes += bytes;
    }

    private static Statement Sql(StoredPartition partition, string literal)
        => partition.Group.Session.Sql(literal).Put(partition.Group.Id).Put(partition.Number);
}

/// <summary>A row to lease. If it is damaged, the entry has the remaining bytes as payload.</summary>
internal readonly record struct LeasableRow(RowMarks Row, Entry Entry, string? Damage)
{
    public LeaseDamage Damaged(Ownership owner) => new(owner, new(Row.Sequence, Row.Sequence), Damage!)
    {
        Attempt = Row.Attempts + 1,
        Raw = Entry.Payload
    };
}
