namespace Sluice.Sqlite;

/// <summary>Computes the checksums and digests of a store that was written without them (schema version 2).</summary>
internal static class SchemaSums
{
    public static void Compute(Database database)
    {
        var digests = new Dictionary<(long Group, long Part), long>();
        foreach (long id in Ids(database, "SELECT id FROM sluice_stream")) SumStream(database, id);
        Add(digests, SumRows(database));
        Add(digests, SumState(database));
        Add(digests, SumFiles(database));
        SumMarks(database, digests);
        ComputeRoots(database);
    }

    /// <summary>Computes the digest of a store that was written without it (schema version 3 or 4).</summary>
    public static void ComputeRoots(Database database)
        => database.Sql("UPDATE sluice_meta SET roots = ?, sum = NULL").Put(StoreRoots.Compute(database)).Run();

    /// <summary>Writes the checksum of a stream.</summary>
    public static void SumStream(Database database, long id)
    {
        Statement row = database.Sql(StreamLoader.Columns + "WHERE id = ?").Put(id);
        if (!row.Next()) return;
        long sum = StreamLoader.SumOf(row);
        row.Reset();
        database.Sql("UPDATE sluice_stream SET sum = ? WHERE id = ?").Put(sum).Put(id).Run();
    }

    private static List<long> Ids(Database database, string sql)
    {
        List<long> ids = [];
        using Statement rows = database.Prepared(sql);
        while (rows.Next()) ids.Add(rows.Long(0));
        return ids;
    }

    private static void Add(Dictionary<(long Group, long Part), long> digests, IEnumerable<(long Group, long Part, long Presence)> rows)
    {
        foreach ((long group, long part, long presence) in rows) digests[(group, part)] = digests.GetValueOrDefault((group, part))
            + presence;
    }

    private static List<(long, long, long)> SumRows(Database database)
    {
        List<(long Id, long Group, long Part, RowMarks Row)> found = [];
        using (Statement rows =
            database.Prepared("SELECT seq, state, before, alone, attempts, due, bytes, node, error, sum, id, grp, part FROM sluice_row"))
            while (rows.Next()) found.Add((rows.Long(10), rows.Long(11), rows.Long(12), RowMarks.Read(rows)));
        foreach (var (id, _, _, row) in found) database.Sql("UPDATE sluice_row SET sum = ? WHERE id = ?").Put(row.Sum).Put(id).Run();
        return [.. found.Select(one => (one.Group, one.Part, RowSum.Presence(one.Row.Sequence)))];
    }

    private static List<(long, long, long)> SumState(Database database)
    {
        List<(long Group, long Part, string Node, string Key, long Sum)> found = [];
        using (Statement rows = database.Prepared("SELECT grp, part, node, key, version, value FROM sluice_state"))
            while (rows.Next())
                found.Add((rows.Long(0), rows.Long(1), rows.Text(2), rows.Text(3),
                    StateCalls.SumOf(rows.Long(0), rows.Int(1), rows.Text(2), rows.Text(3), rows.Int(4), rows.Span(5))));
        foreach (var (group, part, node, key, sum) in found)
            database.Sql("UPDATE sluice_state SET sum = ? WHERE grp = ? AND part = ? AND node = ? AND key = ?").Put(sum).Put(group)
                .Put(part).Put(node).Put(key).Run();
        return [.. found.Select(one => (one.Group, one.Part, RowSum.Presence(one.Node, one.Key)))];
    }

    private static List<(long, long, long)> SumFiles(Database database)
    {
        List<(long Group, long Part, string Name, long Length)> found = [];
        using (Statement rows = database.Prepared("SELECT grp, part, name, length FROM sluice_file"))
            while (rows.Next()) found.Add((rows.Long(0), rows.Long(1), rows.Text(2), rows.Long(3)));
        foreach (var (group, part, name, length) in found)
            database.Sql("UPDATE sluice_file SET sum = ? WHERE grp = ? AND part = ? AND name = ?").Put(FileSum(group, part, name, length))
                .Put(group).Put(part).Put(name).Run();
        return [.. found.Select(one => (one.Group, one.Part, RowSum.Presence(one.Name)))];
    }

    /// <summary>The checksum of a file's length.</summary>
    public static long FileSum(long group, long part, string name, long length)
        => new RowSum().Add(group).Add(part).Add(name).Add(length).Value;

    private static void SumMarks(Database database, Dictionary<(long Group, long Part), long> digests)
    {
        foreach (((long group, long part), long digest) in digests)
            database.Sql("UPDATE sluice_part SET digest = ? WHERE grp = ? AND part = ?").Put(digest).Put(group).Put(part).Run();
        List<(long Group, long Part, long Sum)> found = [];
        using (Statement rows = database.Prepared(
            "SELECT grp, part, epoch, owner, owner_version, version, dispatched, done, cseq, cseq_epoch, last_own, rows, row_bytes, "
                + "flying, passed, digest FROM sluice_part"))
            while (rows.Next()) found.Add((rows.Long(0), rows.Long(1), PartitionCheck.SumOfMarks(rows)));
        foreach ((long group, long part, long sum) in found)
            database.Sql("UPDATE sluice_part SET sum = ? WHERE grp = ? AND part = ?").Put(sum).Put(group).Put(part).Run();
    }
}
