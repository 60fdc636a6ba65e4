namespace Sluice.Sqlite;

/// <summary>Loads streams on first use. The time does not grow with the number of entries.</summary>
internal sealed class StreamLoader(Session session)
{
    /// <summary>The columns of a stream.</summary>
    public const string Columns =
        "SELECT id, partitions, max_items, max_bytes, max_entry, retention, ended, failure, name, sum FROM sluice_stream ";

    private readonly Dictionary<string, StoredStream> loaded = new(StringComparer.Ordinal);

    public StoredStream? Find(string name)
    {
        if (loaded.TryGetValue(name, out StoredStream? stream)) return stream;
        Statement row = session.Sql(Columns + "WHERE name = ?").Put(name);
        if (!row.Next()) return null;
        if (SumOf(row) != row.Long(9))
        {
            row.Reset();
            throw new StreamStoreException(
                $"The stream {name} is damaged: what the store says of it (its partitions, its bounds) does not match its checksum. "
                    + $"Nothing was changed. Restore a backup.")
            { Stream = name, IsPermanent = true };
        }
        var options = new StreamOptions
        {
            Partitions = row.Int(1),
            MaxItems = row.Long(2),
            MaxBytes = row.Long(3),
            MaxEntryBytes = row.Int(4),
            Retention = (Retention)row.Int(5),
        };
        stream = new(session, row.Long(0), name, options)
        {
            End = row.Int(6) == 0 ? null : row.IsNull(7) ? StreamEnd.Complete
            : new(row.Text(7))
        };
        row.Reset();
        LoadLogs(stream);
        LoadGroups(stream);
        LoadReaders(stream);
        for (int partition = 0; partition < stream.Logs.Length; partition++) stream.Trim(partition); // chunks that were not removed yet
        loaded.Add(name, stream);
        session.Living.Changes.Know(name);
        return stream;
    }

    /// <summary>Computes the checksum of a stream's row.</summary>
    public static long SumOf(Statement row)
        => new RowSum().Add(row.Long(0)).Add(row.Long(1)).Add(row.Long(2)).Add(row.Long(3)).Add(row.Long(4)).Add(row.Long(5))
        .Add(row.Long(6)).Add(row.TextOrNull(7)).Add(row.Text(8)).Value;

    public void Forget(StoredStream stream)
    {
        loaded.Remove(stream.Name);
        session.Trims.Forget(stream);
        foreach (StoredLog log in stream.Logs) session.Recent.Forget(log.Id);
    }

    /// <summary>Bounds the number of loaded streams; between transactions, when memory and database agree.</summary>
    public void Bound(int most)
    {
        if (loaded.Count <= most) return;
        loaded.Clear();
        session.Recent.Bound();
        session.Trims.Clear();                       // they return when their streams are loaded
    }

    private void LoadLogs(StoredStream stream)
    {
        var trimmed = new (long Tail, long Total, long Trimmed)[stream.Logs.Length];
        Statement logs = session.Sql("SELECT log & 4095, tail, total, trimmed, sum, log FROM sluice_log WHERE log BETWEEN ? AND ?")
            .Put(stream.Logs[0].Id).Put(stream.Logs[^1].Id);
        while (logs.Next())
        {
            trimmed[logs.Int(0)] = (logs.Long(1), logs.Long(2), logs.Long(3));
            if (logs.LongOrNull(4) is not { } sum || sum == StoredLog.SumOf(logs.Long(5), logs.Long(1), logs.Long(2), logs.Long(3)))
                continue;
            int partition = logs.Int(0);
            logs.Reset();
            throw new StreamStoreException(
                $"The partition {stream.Name}/{partition} is damaged: where it ends and what was trimmed (sluice_log) does not match its "
                    + $"checksum. Nothing was changed. Restore a backup.")
            { Stream = stream.Name, Partition = partition, IsPermanent = true };
        }
        foreach (StoredLog log in stream.Logs) log.Load(trimmed[log.Partition].Tail, trimmed[log.Partition].Total,
            trimmed[log.Partition].Trimmed);
    }

    private void LoadGroups(StoredStream stream)
    {
        Statement groups = session.Sql(
            "SELECT id, name, last_dead, quarantine_owner, quarantine_epoch, paused, draining FROM sluice_group WHERE stream = ?")
            .Put(stream.Id);
        while (groups.Next())
            stream.Groups.Add(groups.Text(1), new(session, stream, groups.Long(0), groups.Text(1))
            {
                LastDead = groups.Long(2),
                QuarantineOwner = groups.TextOrNull(3),
                QuarantineEpoch = groups.Long(4),
                PausedAt = groups.LongOrNull(5) is { } ticks ? new(ticks, TimeSpan.Zero) : null,
                IsDraining = groups.Long(6) != 0,
            });
        foreach (StoredGroup group in stream.Groups.Values) LoadPartitions(group);
    }

    private void LoadPartitions(StoredGroup group)
    {
        var partitions = new StoredPartition[group.Stream.Logs.Length];
        Statement rows = session.Sql("""
            SELECT grp, part, epoch, owner, owner_version, version, dispatched, done, cseq, cseq_epoch, last_own, rows, row_bytes, flying, passed, digest, sum
            FROM sluice_part WHERE grp = ?
            """).Put(group.Id);
        while (rows.Next())
        {
            int number = rows.Int(1);
            if ((uint)number >= (uint)partitions.Length) continue;          // matches no partition's digest; a check finds it
            if (PartitionCheck.SumOfMarks(rows) != rows.Long(16))
            {
                partitions[number] = new(group, number) { Damage = "its marks do not match their checksum" };
                continue;
            }
            var partition = partitions[number] = new(group, number)
            {
                Epoch = rows.Long(2),
                Owner = rows.TextOrNull(3),
                OwnerVersion = rows.Int(4),
                Version = rows.Int(5),
                LastCommit = rows.Long(8),
                LastCommitEpoch = rows.Long(9),
                LastOwn = rows.Long(10),
                Rows = rows.Long(11),
                RowBytes = rows.Long(12),
                Flying = rows.Long(13),
                Digest = rows.Long(15),
            };
            partition.Load(rows.Long(6), rows.Long(7), rows.Bytes(14));
            if (partition.Dispatched > partition.Log.Tail)
                partition.Damage =
                    $"it has given out entries up to {partition.Dispatched}, and the last one that is there is {partition.Log.Tail}";
            else group.Backlog.Add(partition.Backlog.Items, partition.Backlog.Bytes);
        }
        for (int number = 0; number < partitions.Length; number++)
            partitions[number] ??= new(group, number) { Damage = "its marks are gone" };
        group.Partitions = partitions;
    }

    private void LoadReaders(StoredStream stream)
    {
        List<(long Id, string Name, ReaderOptions Options)> readers = [];
        Statement rows = session.Sql("SELECT id, name, start, expires, gates FROM sluice_reader WHERE stream = ?").Put(stream.Id);
        while (rows.Next())
            readers.Add((rows.Long(0), rows.Text(1), new()
            {
                Start = (StreamStart)rows.Int(2),
                IdleTimeout = rows.LongOrNull(3) is { } ticks ? TimeSpan.FromTicks(ticks) : null,
                AppliesBackpressure = rows.Int(4) != 0,
            }));
        foreach ((long id, string name, ReaderOptions options) in readers)
        {
            var next = new long[stream.Logs.Length];
            Statement cursors = session.Sql("SELECT part, next FROM sluice_cursor WHERE reader = ?").Put(id);
            while (cursors.Next()) next[cursors.Int(0)] = cursors.Long(1);
            var reader = new StoredReader(id, stream, name, options, next);
            reader.Count();
            if (reader.ExpiresAt is null) reader.Use();
            stream.Readers.Add(name, reader);
        }
    }
}
