namespace Sluice.PostgreSql;

/// <summary>Begins the transaction of a round: locks its streams and reads the rows that its calls named.</summary>
internal static class RoundLoader
{
    private const string StreamColumns = "id, name, partitions, max_items, max_bytes, max_entry, retention, has_ended, failure, next, "
        + "items, bytes, gone, gone_bytes, time";

    private const string OwnedColumns = "o.grp, o.part, o.epoch, o.owner, o.instance, o.owner_version, o.version, o.dispatched, o.done, "
        + "o.last_commit, o.commit_epoch, o.last_own, o.rows, o.flying, o.retrying, o.suspects, o.passed";

    private const string ProducerColumns = "p.name, p.epoch, p.last, p.last_from, p.first_part, p.first_seq, p.first_generation, "
        + "p.position, p.forget";

    /// <summary>Microseconds since 1970, by the server's clock.</summary>
    private const string Clock = "SELECT generation, store, version, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM ~meta";

    public static async Task LoadAsync(Round round, Needs needs, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        string[] names = [.. needs.Streams];
        Add(round.IsReadOnly ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN");
        Add($"SELECT {StreamColumns} FROM ~stream WHERE name = ANY($1) ORDER BY id{(round.IsReadOnly ? "" : " FOR UPDATE")}").With(names);
        Add(Clock);
        Add("SELECT r.stream, sum(r.items)::bigint, sum(r.bytes)::bigint FROM ~reserved r JOIN ~stream s ON s.id = r.stream "
            + "WHERE s.name = ANY($1) GROUP BY r.stream").With(names);
        Add("SELECT g.stream, g.id, g.name, g.items, g.bytes, g.dead, g.last_dead, g.q_owner, g.q_epoch, g.paused FROM ~grp g "
            + "JOIN ~stream s ON s.id = g.stream WHERE s.name = ANY($1)").With(names);
        Add("SELECT r.stream, r.id, r.name, r.start, r.idle, r.gates, r.expires, r.items, r.bytes FROM ~reader r "
            + "JOIN ~stream s ON s.id = r.stream WHERE s.name = ANY($1)").With(names);
        if (needs.Parts.Count > 0)
            Add("SELECT p.stream, p.n, p.tail, p.bytes, p.trimmed FROM unnest($1::text[], $2::int[]) k(name, n) JOIN ~stream s "
                + "ON s.name = k.name JOIN ~part p ON p.stream = s.id AND p.n = CASE WHEN k.n < 0 THEN s.next ELSE k.n END")
                .With(needs.Parts.Select(part => part.Stream).ToArray()).With(needs.Parts.Select(part => part.Number).ToArray());
        if (needs.Owned.Count > 0)
            Add($"SELECT g.stream, {OwnedColumns} FROM unnest($1::text[], $2::text[], $3::int[]) k(stream, name, n) JOIN ~stream s "
                + "ON s.name = k.stream JOIN ~grp g ON g.stream = s.id AND g.name = k.name JOIN ~owned o ON o.grp = g.id AND o.part = k.n")
                .With(needs.Owned.Select(one => one.Group.Stream).ToArray()).With(needs.Owned.Select(one => one.Group.Name).ToArray())
                .With(needs.Owned.Select(one => one.Number).ToArray());
        if (needs.Producers.Count > 0)
            Add($"SELECT p.stream, {ProducerColumns} FROM unnest($1::text[], $2::text[]) k(stream, name) JOIN ~stream s "
                + "ON s.name = k.stream JOIN ~producer p ON p.stream = s.id AND p.name = k.name")
                .With(needs.Producers.Select(one => one.Stream).ToArray()).With(needs.Producers.Select(one => one.Producer).ToArray());
        if (needs.Batches.Count > 0)
            Add("INSERT INTO ~batch(name) SELECT * FROM unnest($1::text[]) ON CONFLICT (name) DO UPDATE SET name = excluded.name "
                + "RETURNING name, accepted, ended, failed, closed").With(needs.Batches.ToArray());

        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) round.Add(ReadStream(rows));
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellation).ConfigureAwait(false)) throw Failures.Emptied(round.Sql.Schema);
        round.Begin(rows.GetInt32(0), rows.GetString(1), rows.GetInt32(2), rows.GetInt64(3));
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
        {
            StreamRow stream = round.StreamOf(rows.GetInt64(0));
            (stream.ReservedItems, stream.ReservedBytes) = (rows.GetInt64(1), rows.GetInt64(2));
        }
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) round.Add(ReadGroup(round, rows));
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
        {
            ReaderRow reader = ReadReader(rows);
            round.StreamOf(rows.GetInt64(0)).Readers.Add(reader.Name, reader);
        }
        if (needs.Parts.Count > 0)
        {
            await NextAsync(rows, cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadPart(round, rows);
        }
        if (needs.Owned.Count > 0)
        {
            await NextAsync(rows, cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadOwned(round.GroupOf(rows.GetInt64(1)), rows, 1);
        }
        if (needs.Producers.Count > 0)
        {
            await NextAsync(rows, cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            {
                ProducerRow producer = ReadProducer(rows, round.StreamOf(rows.GetInt64(0)).Name);
                round.StreamOf(rows.GetInt64(0)).Producers[producer.Name] = producer;
            }
        }
        foreach ((string stream, string producer) in needs.Producers) round.FindStream(stream)?.KnownProducers.Add(producer);
        if (needs.Batches.Count == 0) return;
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            round.Batches.Add(rows.GetString(0), new(rows.GetInt64(1), rows.GetInt64(2), rows.GetInt64(3), rows.GetBoolean(4)));

        NpgsqlBatchCommand Add(string text)
        {
            NpgsqlBatchCommand command = round.Sql.Command(text);
            batch.BatchCommands.Add(command);
            return command;
        }
    }

    /// <summary>Reads a partition that was not named in advance.</summary>
    public static async Task<PartRow> PartAsync(Round round, StreamRow stream, int number, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command("SELECT stream, n, tail, bytes, trimmed FROM ~part WHERE stream = $1 AND n = $2")
            .With(stream.Id).With(number));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellation).ConfigureAwait(false)) throw Failures.Missing($"the partition {stream.Name}/{number}");
        return ReadPart(round, rows);
    }

    /// <summary>Reads several partitions that were not named in advance.</summary>
    public static async Task PartsAsync(Round round, StreamRow stream, int[] numbers, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command("SELECT stream, n, tail, bytes, trimmed FROM ~part WHERE stream = $1 AND n = ANY($2)")
            .With(stream.Id).With(numbers));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadPart(round, rows);
    }

    /// <summary>Reads a partition of a group that was not named in advance.</summary>
    public static async Task<OwnedRow> OwnedAsync(Round round, GroupRow group, int number, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command($"SELECT {OwnedColumns} FROM ~owned o WHERE o.grp = $1 AND o.part = $2")
            .With(group.Id).With(number));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellation).ConfigureAwait(false)) throw Failures.Missing($"the partition {number} of {group.Group}");
        return ReadOwned(group, rows, 0);
    }

    /// <summary>Reads all partitions of a group.</summary>
    public static async Task AllOwnedAsync(Round round, GroupRow group, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command($"SELECT {OwnedColumns} FROM ~owned o WHERE o.grp = $1").With(group.Id));
        batch.BatchCommands.Add(round.Sql.Command("SELECT stream, n, tail, bytes, trimmed FROM ~part WHERE stream = $1")
            .With(group.Stream.Id));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadOwned(group, rows, 0);
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadPart(round, rows);
    }

    /// <summary>Reads a producer that was not named in advance.</summary>
    public static async Task ProducerAsync(Round round, StreamRow stream, string name, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command($"SELECT p.stream, {ProducerColumns} FROM ~producer p WHERE p.stream = $1 "
            + "AND p.name = $2").With(stream.Id).With(name));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (await rows.ReadAsync(cancellation).ConfigureAwait(false)) stream.Producers[name] = ReadProducer(rows, stream.Name);
        stream.KnownProducers.Add(name);
    }

    private static async Task NextAsync(NpgsqlDataReader rows, CancellationToken cancellation)
        => await rows.NextResultAsync(cancellation).ConfigureAwait(false);

    private static (StreamRow Stream, long Time) ReadStream(NpgsqlDataReader row) => (new()
    {
        Id = row.GetInt64(0),
        Name = row.GetString(1),
        Options = new()
        {
            Partitions = row.GetInt32(2),
            MaxItems = row.GetInt64(3),
            MaxBytes = row.GetInt64(4),
            MaxEntryBytes = row.GetInt32(5),
            Retention = (Retention)row.GetInt32(6),
        },
        End = row.GetBoolean(7) ? row.TextOrNull(8) is { } failure ? new(failure) : StreamEnd.Complete : null,
        Next = row.GetInt32(9),
        Items = row.GetInt64(10),
        Bytes = row.GetInt64(11),
        Gone = row.GetInt64(12),
        GoneBytes = row.GetInt64(13),
    }, row.GetInt64(14));

    private static GroupRow ReadGroup(Round round, NpgsqlDataReader row)
        => new(round.StreamOf(row.GetInt64(0)), row.GetInt64(1), row.GetString(2))
        {
            Items = row.GetInt64(3),
            Bytes = row.GetInt64(4),
            Dead = row.GetInt64(5),
            LastDead = row.GetInt64(6),
            QuarantineOwner = row.TextOrNull(7),
            QuarantineEpoch = row.GetInt64(8),
            Paused = row.LongOrNull(9),
        };

    private static ReaderRow ReadReader(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(1),
        Name = row.GetString(2),
        Options = new()
        {
            Start = (StreamStart)row.GetInt32(3),
            IdleTimeout = row.LongOrNull(4) is { } idle ? TimeSpan.FromTicks(idle) : null,
            AppliesBackpressure = row.GetBoolean(5),
        },
        Expires = row.LongOrNull(6),
        Items = row.GetInt64(7),
        Bytes = row.GetInt64(8),
    };

    private static PartRow ReadPart(Round round, NpgsqlDataReader row)
    {
        StreamRow stream = round.StreamOf(row.GetInt64(0));
        int number = row.GetInt32(1);
        if (stream.Parts.TryGetValue(number, out PartRow? known)) return known;
        long tail = row.GetInt64(2);
        return stream.Parts[number] = new(stream, number)
        { Tail = tail, StoredTail = tail, Bytes = row.GetInt64(3), Trimmed = row.GetInt64(4) };
    }

    private static OwnedRow ReadOwned(GroupRow group, NpgsqlDataReader row, int from)
    {
        int number = row.GetInt32(from + 1);
        if (group.Owned.TryGetValue(number, out OwnedRow? known)) return known;
        return group.Owned[number] = new(group, number)
        {
            Epoch = row.GetInt64(from + 2),
            Owner = row.TextOrNull(from + 3),
            Instance = row.TextOrNull(from + 4),
            OwnerVersion = row.GetInt32(from + 5),
            Version = row.GetInt32(from + 6),
            Dispatched = row.GetInt64(from + 7),
            Done = row.GetInt64(from + 8),
            LastCommit = row.GetInt64(from + 9),
            CommitEpoch = row.GetInt64(from + 10),
            LastOwn = row.GetInt64(from + 11),
            Rows = row.GetInt32(from + 12),
            Flying = row.GetInt32(from + 13),
            Retrying = row.GetInt32(from + 14),
            Suspects = row.GetInt32(from + 15),
            Passed = SequenceSet.Read(row.Bytes(from + 16)),
        };
    }

    private static ProducerRow ReadProducer(NpgsqlDataReader row, string stream) => new(row.GetString(1))
    {
        Epoch = row.GetInt64(2),
        Last = row.GetInt64(3),
        LastFrom = row.GetInt64(4),
        LastId = row.IsDBNull(5) ? null : new(row.GetInt32(7), stream, row.GetInt32(5), row.GetInt64(6)),
        Position = row.Bytes(8),
        Forget = row.LongOrNull(9),
    };
}
