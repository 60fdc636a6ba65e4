namespace Sluice.Sqlite;

/// <summary>Calls about whole streams. All calls run on the writer's thread; they validate everything, then change.</summary>
internal static class StreamCalls
{
    public static StreamInfo Open(Session session, string name, StreamOptions options)
    {
        StoredStream? stream = session.FindStream(name);
        if (stream is null)
        {
            session.Write();
            session.Sql("INSERT INTO sluice_stream(name, partitions, max_items, max_bytes, max_entry, retention) VALUES(?, ?, ?, ?, ?, ?)")
                .Put(name).Put(options.Partitions).Put(options.MaxItems).Put(options.MaxBytes).Put(options.MaxEntryBytes)
                .Put((long)options.Retention).Run();
            long id = session.Database.LastId;
            SchemaSums.SumStream(session.Database, id);
            session.ChangeRoots(StoreRoots.OfStream(id, name));
            stream = session.Stream(name);
        }
        StoreRules.CheckPartitions(name, stream.Options.Partitions, options.Partitions);
        return Info(stream);
    }

    public static StreamInfo Info(StoredStream stream)
    {
        Swept(stream);
        (long rows, long bytes) = (0, 0);            // waiting entries of the trimmed part are in the store only as rows
        foreach (StoredPartition partition in stream.Groups.Values.SelectMany(group => group.Partitions))
        {
            // Most rows are of the trimmed part, so the others are counted.
            (long others, long length, _) = StoredRows.CountIn(partition, partition.Log.Trimmed + 1, long.MaxValue);
            (rows, bytes) = (rows + partition.Rows - others, bytes + partition.RowBytes - length);
        }
        return new(stream.Name, stream.Options, stream.End,
            stream.Logs.Sum(log => log.Tail - log.Trimmed) + rows, stream.Logs.Sum(log => log.Bytes) + bytes,
                stream.Logs.Sum(log => log.Tail),
            [.. stream.Groups.Values.Select(group => new GroupBacklog(group.Name, group.Backlog.Items,
                group.Partitions.Sum(partition => partition.Rows - partition.Flying), group.Letters)
            { PausedAt = group.PausedAt, IsDraining = group.IsDraining })],
            [.. stream.Readers.Values.Select(reader => reader.Info())]);
    }

    public static IReadOnlyList<string> List(Session session, string prefix)
    {
        List<string> names = [];
        Statement rows = session.Sql("SELECT name FROM sluice_stream WHERE name >= ? ORDER BY name").Put(prefix);
        while (rows.Next())
        {
            if (rows.Text(0) is var name && name.StartsWith(prefix, StringComparison.Ordinal)) names.Add(name);
            else
            {
                rows.Reset();                        // names with the prefix are next to each other
                break;
            }
        }
        names.Sort(StringComparer.Ordinal);          // SQLite has sorted them by the bytes of UTF-8
        return names;
    }

    public static StreamEnd End(Session session, StoredStream stream, StreamEnd end)
    {
        if (stream.End is not null) return stream.End;
        session.Write();
        session.Sql("UPDATE sluice_stream SET ended = 1, failure = ? WHERE id = ?").Put(end.Failure).Put(stream.Id).Run();
        SchemaSums.SumStream(session.Database, stream.Id);
        stream.End = end;
        session.Changed(stream.Name);
        return end;
    }

    /// <returns>Whether it existed.</returns>
    public static bool Delete(Session session, string name)
    {
        if (session.FindStream(name) is not { } stream) return false;
        session.Write();
        session.Save();
        foreach (StoredGroup group in stream.Groups.Values.ToArray()) GroupCalls.Remove(session, group);
        foreach (StoredReader reader in stream.Readers.Values.ToArray()) stream.Close(reader);
        session.Save();
        (long first, long last) = (stream.Logs[0].Id, stream.Logs[^1].Id);
        foreach (StoredLog log in stream.Logs) log.Remove(long.MaxValue);
        session.Blocks.Sweep();
        session.Sql("DELETE FROM sluice_log WHERE log BETWEEN ? AND ?").Put(first).Put(last).Run();
        session.Sql("DELETE FROM sluice_producer WHERE stream = ?").Put(stream.Id).Run();
        session.Sql("DELETE FROM sluice_stream WHERE id = ?").Put(stream.Id).Run();
        session.ChangeRoots(-StoreRoots.OfStream(stream.Id, name));
        session.Forget(stream);
        session.Living.Changes.Forget(name);         // early if the transaction fails: then waiting callers only look again
        return true;
    }

    public static int RaiseGeneration(Session session, int expected)
    {
        if (session.Generation == expected) session.RaiseGeneration();
        return session.Generation;
    }

    /// <summary>Closes expired readers, independent of the outcome of the call.</summary>
    public static StoredStream Swept(StoredStream stream)
    {
        bool before = stream.Session.HasTouched;
        stream.Sweep();
        stream.Session.HasTouched = before;
        return stream;
    }
}
