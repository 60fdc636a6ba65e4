namespace Sluice.Sqlite;

/// <summary>
/// Verifies the state of a partition in a group against checksums and digest: marks, rows of state, waiting entries, file lengths. It reads
/// every row, so the time grows with the state.
/// </summary>
/// <remarks>Not thread-safe. Needs a read transaction, so that all reads see one snapshot.</remarks>
internal sealed class PartitionCheck(Database database, string stream, string group, int partition)
{
    private const string InSequence = "SELECT seq, NULL, id FROM sluice_row INDEXED BY sluice_row_seq WHERE grp = ? AND part = ?";
    private const string Due = "SELECT seq, due, id FROM sluice_row INDEXED BY sluice_row_due WHERE grp = ? AND part = ? AND state = 1";
    private const string Suspect
        = "SELECT seq, NULL, id FROM sluice_row INDEXED BY sluice_row_suspect WHERE grp = ? AND part = ? AND state = 3";
    private const string Flying
        = "SELECT NULL, NULL, id FROM sluice_row INDEXED BY sluice_row_flying WHERE grp = ? AND part = ? AND state = 0";

    private string Name => $"{stream}:{group}/{partition}";

    /// <summary>The damage; null if there is none.</summary>
    /// <param name="isThere">Whether the partition must exist.</param>
    public string? Find(bool isThere = false)
    {
        Statement marks = database.Sql($"""
            SELECT p.grp, p.part, p.epoch, p.owner, p.owner_version, p.version, p.dispatched, p.done, p.cseq,
                p.cseq_epoch, p.last_own, p.rows, p.row_bytes, p.flying, p.passed, p.digest, p.sum
            FROM sluice_stream s JOIN sluice_group g ON g.stream = s.id JOIN sluice_part p ON p.grp = g.id
            WHERE s.name = ? AND g.name = ? AND p.part = ?
            """).Put(stream).Put(group).Put(partition);
        if (!marks.Next()) return isThere ? $"The marks of {Name} are gone." : null;
        (long id, long rows, long bytes, long flying, long digest) = (marks.Long(0), marks.Long(11), marks.Long(12), marks.Long(13),
            marks.Long(15));
        bool areSound = SumOfMarks(marks) == marks.Long(16);
        marks.Reset();
        if (!areSound) return $"The marks of {Name} do not match their checksum.";
        long found = 0;
        return CheckState(id, ref found) ?? CheckRows(id, rows, bytes, flying, ref found) ?? CheckFiles(id, ref found)
            ?? (found == digest ? null
            : $"A row of the state, the retries or the files of {Name} is missing, or there is one too many: the rows do not match the "
            + $"digest of its last commit.");
    }

    /// <summary>Computes the checksum of a row that begins with the columns of <c>sluice_part</c>.</summary>
    public static long SumOfMarks(Statement marks)
        => new RowSum().Add(marks.Long(0)).Add(marks.Long(1)).Add(marks.Long(2)).Add(marks.TextOrNull(3)).Add(marks.Long(4))
        .Add(marks.Long(5)).Add(marks.Long(6)).Add(marks.Long(7))
        .Add(marks.Long(8)).Add(marks.Long(9)).Add(marks.Long(10)).Add(marks.Long(11)).Add(marks.Long(12)).Add(marks.Long(13))
        .Add(marks.Span(14)).Add(marks.Long(15)).Value;

    private string? CheckState(long id, ref long digest)
    {
        Statement rows = database.Sql("SELECT node, key, version, value, sum FROM sluice_state WHERE grp = ? AND part = ?").Put(id)
            .Put(partition);
        while (rows.Next())
        {
            (string node, string key) = (rows.Text(0), rows.Text(1));
            if (StateCalls.SumOf(id, partition, node, key, rows.Int(2), rows.Span(3)) != rows.Long(4))
            {
                rows.Reset();
                return StateCalls.Damaged(Name, node, key);
            }
            digest += RowSum.Presence(node, key);
        }
        return null;
    }

    private string? CheckRows(long id, long count, long bytes, long flying, ref long digest)
    {
        Statement rows = database.Sql(StoredRows.AllColumns).Put(id).Put(partition);
        Indexed found = default;
        while (rows.Next())
        {
            RowMarks row = RowMarks.Read(rows);
            if (!row.IsSound)
            {
                rows.Reset();
                return $"The entry {stream}/{partition}/{row.Sequence}, which waits, does not match its checksum.";
            }
            (count, bytes, flying, digest) = (count - 1, bytes - row.Bytes, flying - (row.State == WaitingStatus.InFlight ? 1 : 0),
                digest + RowSum.Presence(row.Sequence));
            found.Add(row, rows.Long(11));
        }
        if ((count, bytes, flying) != (0, 0, 0))
            return $"The number of entries that wait in {Name}, or their length, is not what its marks say: {-count} too many, "
                + $"with {-bytes} bytes, {-flying} of them in flight.";
        return CheckIndex(id, "sluice_row_seq", InSequence, found.All) ?? CheckIndex(id, "sluice_row_due", Due, found.Due)
            ?? CheckIndex(id, "sluice_row_suspect", Suspect, found.Suspects) ?? CheckIndex(id, "sluice_row_flying", Flying, found.Flying);
    }

    // SQLite does not compare an index with its table. A retry that is missing in the index would never be due.
    private string? CheckIndex(long id, string index, string entries, long expected)
    {
        Statement rows = database.Sql(entries).Put(id).Put(partition);
        long found = 0;
        while (rows.Next()) found += Indexed.SumOf(rows.LongOrNull(0), rows.LongOrNull(1), rows.Long(2));
        return found == expected ? null
            : $"The index {index} does not have the entries that wait in {Name}. The entries themselves are sound: while no program has "
            + $"the store open, REINDEX (sqlite3) makes the index anew.";
    }

    private string? CheckFiles(long id, ref long digest)
    {
        Statement files = database.Sql("SELECT name, length, sum FROM sluice_file WHERE grp = ? AND part = ?").Put(id).Put(partition);
        while (files.Next())
        {
            string name = files.Text(0);
            if (SchemaSums.FileSum(id, partition, name, files.Long(1)) != files.Long(2))
            {
                files.Reset();
                return $"The committed length of the file {name} in {Name} does not match its checksum.";
            }
            digest += RowSum.Presence(name);
        }
        return null;
    }

    // The expected sums of the indexes of waiting entries.
    private struct Indexed
    {
        public long All, Due, Suspects, Flying;

        public void Add(in RowMarks row, long id)
        {
            All += SumOf(row.Sequence, null, id);
            if (row.State == WaitingStatus.Retrying) Due += SumOf(row.Sequence, row.Due, id);
            else if (row.State == WaitingStatus.Suspect) Suspects += SumOf(row.Sequence, null, id);
            else if (row.State == WaitingStatus.InFlight) Flying += SumOf(null, null, id);
        }

        public static long SumOf(long? sequence, long? due, long id) => new RowSum().Add(sequence).Add(due).Add(id).Value;
    }
}
