namespace Sluice.PostgreSql;

/// <summary>Writes the rows that rounds change most: one statement for each table.</summary>
internal static class RowWriter
{
    internal const long MaxPortion = 8 << 20;        // the bytes of the bodies in one statement, unless a single one has more

    public static void Streams(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        StreamRow[] rows = [.. round.Streams.Where(row => row.IsWritten || HasNews(row))];
        if (rows.Length == 0) return;
        add.AddFor("UPDATE ~stream s SET has_ended = k.ended, failure = k.failure, next = k.next, items = k.items, bytes = "
            + "k.bytes, gone = k.gone, "
            + "gone_bytes = k.gone_bytes, time = $9, changes = s.changes + k.news, held_items = k.held, held_bytes = k.held_bytes, "
            + "stamp = $13 FROM "
            + "unnest($1::bigint[], $2::boolean[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], "
            + "$10::bigint[], $11::bigint[], $12::int[]) "
            + "k(id, ended, failure, next, items, bytes, gone, gone_bytes, held, held_bytes, news) "
            + "WHERE s.id = k.id", rows)
            .Each(row => row.Id).Each(row => row.End is not null).Each(row => row.End?.Failure).Each(row => row.Next)
            .Each(row => row.Items).Each(row => row.Bytes).Each(row => row.Gone).Each(row => row.GoneBytes).All(round.Now)
            .Each(row => row.Held().Items).Each(row => row.Held().Bytes).Each(row => HasNews(row) ? 1 : 0).All(round.Stamp);
        foreach (StreamRow row in rows)
            (row.IsChanged, row.StoredHeld, row.Time, row.Stamp) = (false, row.Held(), round.Now, round.Stamp);

        bool HasNews(StreamRow row) => row.IsChanged || row.Held() != row.StoredHeld || round.Changes.Streams.ContainsKey(row.Name);
    }

    public static void Parts(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        PartRow[] rows = [.. round.Streams.SelectMany(stream => stream.Parts.Values).Where(row => row.IsChanged)];
        if (rows.Length == 0) return;
        add.AddFor("UPDATE ~part p SET tail = k.tail, bytes = k.bytes FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[]) "
            + "k(stream, n, tail, bytes) WHERE p.stream = k.stream AND p.n = k.n", rows)
            .Each(row => row.Stream.Id).Each(row => row.Number).Each(row => row.Tail).Each(row => row.Bytes);
        foreach ((PartRow Part, NewChunk Chunk)[] chunks in Portions(
            rows.SelectMany(row => row.Chunks.Select(chunk => (Part: row, Chunk: chunk))), one => one.Chunk.Size))
        {
            (PartRow Part, ChunkMark Mark, byte[] Body)[] blocks = Of(chunks,
                one => (one.Part, one.Chunk.Mark, one.Chunk.ToBody(round.Time, round.Generation)));
            add.AddFor("INSERT INTO ~chunk(stream, part, first, last, before, bytes, body) SELECT * FROM unnest($1::bigint[], $2::int[], "
                + "$3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[])", blocks)
                .Each(one => one.Part.Stream.Id).Each(one => one.Part.Number).Each(one => one.Mark.First).Each(one => one.Mark.Last)
                .Each(one => one.Mark.Before).Each(one => one.Mark.Bytes).Each(one => one.Body);
            foreach ((PartRow part, ChunkMark mark, byte[] body) in blocks) part.Recent.Add(mark, body);
        }
        foreach (PartRow row in rows)
        {
            row.Chunks.Clear();
            (row.StoredTail, row.IsChanged) = (row.Tail, false);
        }
    }

    public static void Owned(OwnedRow[] rows, Func<string, NpgsqlBatchCommand> add)
    {
        add.AddFor("UPDATE ~owned o SET epoch = k.epoch, owner = k.owner, instance = k.instance, owner_version = k.owner_version, "
            + "version = k.version, dispatched = k.dispatched, done = k.done, last_commit = k.last_commit, commit_epoch = k.commit_epoch, "
            + "last_own = k.last_own, rows = k.rows, flying = k.flying, retrying = k.retrying, suspects = k.suspects, passed = k.passed "
            + "FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::int[], $8::bigint[], "
            + "$9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::int[], $14::int[], $15::int[], $16::int[], $17::bytea[]) "
            + "k(grp, part, epoch, owner, instance, owner_version, version, dispatched, done, last_commit, commit_epoch, last_own, rows, "
            + "flying, retrying, suspects, passed) WHERE o.grp = k.grp AND o.part = k.part", rows)
            .Each(row => row.Group.Id).Each(row => row.Number).Each(row => row.Epoch)
            .Each(row => row.Owner).Each(row => row.Instance).Each(row => row.OwnerVersion)
            .Each(row => row.Version).Each(row => row.Dispatched).Each(row => row.Done)
            .Each(row => row.LastCommit).Each(row => row.CommitEpoch).Each(row => row.LastOwn)
            .Each(row => row.Rows).Each(row => row.Flying).Each(row => row.Retrying)
            .Each(row => row.Suspects).Each(row => row.Passed.ToBytes());
        foreach (OwnedRow row in rows) row.IsChanged = false;
    }

    public static void Groups(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        GroupRow[] rows = [.. round.Streams.SelectMany(stream => stream.Groups.Values).Where(row => row.IsChanged)];
        if (rows.Length == 0) return;
        add.AddFor("UPDATE ~grp g SET items = k.items, bytes = k.bytes, dead = k.dead, last_dead = k.last_dead, q_owner = k.q_owner, "
            + "q_epoch = k.q_epoch, paused = k.paused, draining = k.draining FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], "
            + "$4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::boolean[]) k(id, items, bytes, dead, last_dead, "
            + "q_owner, q_epoch, paused, draining) WHERE g.id = k.id", rows)
            .Each(row => row.Id).Each(row => row.Items).Each(row => row.Bytes).Each(row => row.Dead)
            .Each(row => row.LastDead).Each(row => row.QuarantineOwner).Each(row => row.QuarantineEpoch)
            .Each(row => row.Paused).Each(row => row.IsDraining);
        foreach (GroupRow row in rows) row.IsChanged = false;
    }

    public static void Waiting(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        WaitingRow[] deleted = [.. round.Rows.Waiting.Values.Where(row => row.IsDeleted && !row.IsNew)];
        WaitingRow[] changed = [.. round.Rows.Waiting.Values.Where(row => row.IsChanged && !row.IsDeleted && !row.IsNew)];
        if (deleted.Length > 0)
            add("DELETE FROM ~waiting w USING unnest($1::bigint[], $2::int[], $3::bigint[]) k(grp, part, seq) "
                + "WHERE w.grp = k.grp AND w.part = k.part AND w.seq = k.seq")
                .With(Of(deleted, row => row.Owned.Group.Id)).With(Of(deleted, row => row.Owned.Number))
                .With(Of(deleted, row => row.Sequence));
        if (changed.Length > 0)
            add("UPDATE ~waiting w SET state = k.state, before = k.before, alone = k.alone, attempts = k.attempts, due = k.due, "
                + "node = COALESCE(k.node, w.node), error = COALESCE(k.error, w.error) FROM unnest($1::bigint[], $2::int[], $3::bigint[], "
                + "$4::int[], $5::int[], $6::boolean[], $7::int[], $8::bigint[], $9::text[], $10::text[]) k(grp, part, seq, state, before, "
                + "alone, attempts, due, node, error) WHERE w.grp = k.grp AND w.part = k.part AND w.seq = k.seq").WithRows(changed);
        foreach (WaitingRow[] added in Portions(round.Rows.Waiting.Values.Where(row => row.IsNew && !row.IsDeleted),
            row => row.Body!.Length))
            add("INSERT INTO ~waiting(grp, part, seq, state, before, alone, attempts, due, node, error, share, body) SELECT * FROM "
                + "unnest($1::bigint[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::boolean[], $7::int[], $8::bigint[], $9::text[], "
                + "$10::text[], $11::bigint[], $12::bytea[])").WithRows(added).With(Of(added, row => row.Share))
                .With(Of(added, row => row.Body!));
        foreach (WaitingRow row in round.Rows.Waiting.Values.Where(row => row.IsDeleted).ToArray())
            round.Rows.Waiting.Remove((row.Owned, row.Sequence));
        foreach (WaitingRow row in round.Rows.Waiting.Values) row.Written();
    }

    public static void Readers(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        ReaderRow[] rows = [.. round.Streams.SelectMany(stream => stream.Readers.Values).Where(row => row.IsChanged)];
        if (rows.Length > 0)
            add("UPDATE ~reader r SET items = k.items, bytes = k.bytes, expires = GREATEST(r.expires, k.expires) FROM "
                + "unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) k(id, items, bytes, expires) WHERE r.id = k.id")
                .With(Of(rows, row => row.Id)).With(Of(rows, row => row.Items)).With(Of(rows, row => row.Bytes))
                .With(Of(rows, row => row.Expires));
        foreach (ReaderRow row in rows) row.IsChanged = false;
        KeyValuePair<(long Reader, int Partition), long>[] cursors = [.. round.Rows.Cursors];
        if (cursors.Length == 0) return;
        add("UPDATE ~cursor c SET next = k.next FROM unnest($1::bigint[], $2::int[], $3::bigint[]) k(reader, part, next) "
            + "WHERE c.reader = k.reader AND c.part = k.part").With(Of(cursors, one => one.Key.Reader))
            .With(Of(cursors, one => one.Key.Partition)).With(Of(cursors, one => one.Value));
        round.Rows.Cursors.Clear();
    }

    public static void Producers(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        (long Stream, ProducerRow Row)[] rows = [.. round.Streams.SelectMany(stream => stream.Producers.Values
            .Where(row => row.IsChanged).Select(row => (stream.Id, row)))];
        if (rows.Length == 0) return;
        add.AddFor("INSERT INTO ~producer(stream, name, epoch, last, last_from, first_part, first_seq, first_generation, position, "
            + "forget) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], "
            + "$7::bigint[], $8::int[], $9::bytea[], $10::bigint[]) "
            + "ON CONFLICT (stream, name) DO UPDATE SET epoch = excluded.epoch, last = excluded.last, last_from = excluded.last_from, "
            + "first_part = excluded.first_part, first_seq = excluded.first_seq, first_generation = excluded.first_generation, "
            + "position = excluded.position, forget = excluded.forget", rows)
            .Each(one => one.Stream).Each(one => one.Row.Name).Each(one => one.Row.Epoch)
            .Each(one => one.Row.Last).Each(one => one.Row.LastFrom).Each(one => one.Row.LastId?.Partition)
            .Each(one => one.Row.LastId?.Sequence ?? 0).Each(one => one.Row.LastId?.Generation ?? 0)
            .Each(one => one.Row.Position).Each(one => one.Row.Forget);
        foreach ((_, ProducerRow row) in rows) row.IsChanged = false;
    }

    /// <summary>Divides rows, so that no statement has many megabytes: the server allows a gigabyte, and has it in memory.</summary>
    internal static IEnumerable<T[]> Portions<T>(IEnumerable<T> rows, Func<T, long> size)
    {
        List<T> portion = [];
        long bytes = 0;
        foreach (T row in rows)
        {
            if (portion.Count > 0 && bytes + size(row) > MaxPortion)
            {
                yield return [.. portion];
                portion.Clear();
                bytes = 0;
            }
            portion.Add(row);
            bytes += size(row);
        }
        if (portion.Count > 0) yield return [.. portion];
    }

    internal static TOut[] Of<T, TOut>(T[] rows, Func<T, TOut> value) => Array.ConvertAll(rows, row => value(row));

    private static NpgsqlBatchCommand WithRows(this NpgsqlBatchCommand command, WaitingRow[] rows) => command
        .With(Of(rows, row => row.Owned.Group.Id)).With(Of(rows, row => row.Owned.Number)).With(Of(rows, row => row.Sequence))
        .With(Of(rows, row => (int)row.State)).With(Of(rows, row => (int)row.Before)).With(Of(rows, row => row.IsAlone))
        .With(Of(rows, row => row.Attempts)).With(Of(rows, row => row.Due)).With(Of(rows, row => row.Node))
        .With(Of(rows, row => row.Error));
}
