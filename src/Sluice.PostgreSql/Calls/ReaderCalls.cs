namespace Sluice.PostgreSql;

/// <summary>Calls about readers.</summary>
internal static class ReaderCalls
{
    private const int MaxInserts = 100, InsertsPerReader = 3;

    /// <summary>Closes expired readers.</summary>
    public static async ValueTask SweepAsync(Round round, StreamRow stream)
    {
        if (stream.Readers.Count == 0) return;
        foreach (ReaderRow reader in stream.Readers.Values.Where(reader => reader.Expires <= round.Now).ToArray())
            await CloseAsync(round, stream, reader).ConfigureAwait(false);
    }

    public static async ValueTask CloseAsync(Round round, StreamRow stream, ReaderRow reader)
    {
        // What all consumers have passed is trimmed while the reader still counts: without consumers nothing is.
        await round.RunAsync(Trimming.All(round.Sql, stream),
            round.Sql.Command("DELETE FROM ~reader WHERE id = $1").With(reader.Id),
            round.Sql.Command("DELETE FROM ~cursor WHERE reader = $1").With(reader.Id),
            Trimming.All(round.Sql, stream)).ConfigureAwait(false);
        round.Unswept.Add(stream.Name);
        stream.Readers.Remove(reader.Name);
        await StreamCalls.NoteGoneAsync(round, stream).ConfigureAwait(false);
        round.Changes.AddRoom(stream.Name);
    }

    public static async ValueTask<ReaderInfo> OpenAsync(Round round, StreamRow stream, string name, ReaderOptions options)
    {
        await OpenAsync(round, [new(stream.Name, name, options)]).ConfigureAwait(false);
        return (await InfosAsync(round, stream).ConfigureAwait(false)).Single(info => info.Name == name);
    }

    /// <summary>Opens readers: all that are new in one round trip, because their streams are locked meanwhile.</summary>
    public static async ValueTask OpenAsync(Round round, IReadOnlyList<OpenReader> readers)
    {
        foreach (string stream in readers.Select(static reader => reader.Stream).Distinct(StringComparer.Ordinal))
            await SweepAsync(round, round.Stream(stream)).ConfigureAwait(false);
        OpenReader[] missing = [.. readers.Where(reader => !round.Stream(reader.Stream).Readers.ContainsKey(reader.Reader))
            .DistinctBy(static reader => (reader.Stream, reader.Reader))];
        if (missing.Length > 0) await round.SaveAsync().ConfigureAwait(false);
        foreach (OpenReader[] some in missing.Chunk(MaxInserts)) await InsertAsync(round, some).ConfigureAwait(false);
        foreach (OpenReader reader in readers)
        {
            round.Stream(reader.Stream).Readers[reader.Reader].Use(round.Now);
            round.Touched++;
        }
    }

    public static async ValueTask<IReadOnlyList<ReaderInfo>> InfosAsync(Round round, StreamRow stream)
    {
        if (stream.Readers.Count == 0) return [];
        if (!round.IsReadOnly) await round.SaveAsync().ConfigureAwait(false);
        Dictionary<long, long[]> next = stream.Readers.Values.ToDictionary(reader => reader.Id, _ => new long[stream.Options.Partitions]);
        await round.ReadAsync([round.Sql.Command("SELECT reader, part, next FROM ~cursor WHERE reader = ANY($1)")
            .With(next.Keys.ToArray())], (_, row) => next[row.GetInt64(0)][row.GetInt32(1)] = row.GetInt64(2)).ConfigureAwait(false);
        return [.. stream.Readers.Values.Select(reader => new ReaderInfo(reader.Name, reader.Options, next[reader.Id],
            stream.Items - reader.Items))];
    }

    /// <exception cref="StoreRolledBackException">The cursor would move beyond the end.</exception>
    public static async ValueTask CheckMoveAsync(Round round, CursorCommit move)
    {
        long tail = (await round.PartAsync(round.Stream(move.Stream), move.Partition).ConfigureAwait(false)).Tail;
        if (move.Next > tail + 1)
            throw new StoreRolledBackException(
                $"The reader {move.Reader} was to be moved to {move.Stream}/{move.Partition}/{move.Next}, but the last entry is {tail}: "
                    + $"the store has lost writes.")
            { Stream = move.Stream, Partition = move.Partition, Sequence = move.Next };
    }

    public static async ValueTask<bool> MoveAsync(Round round, CursorCommit move)
    {
        StreamRow stream = round.Stream(move.Stream);
        if (!stream.Readers.TryGetValue(move.Reader, out ReaderRow? reader)) return false;
        reader.Use(round.Now);
        if (!round.Rows.Cursors.TryGetValue((reader.Id, move.Partition), out long from))
            await round.ReadAsync([round.Sql.Command("SELECT next FROM ~cursor WHERE reader = $1 AND part = $2").With(reader.Id)
                .With(move.Partition)], (_, row) => from = row.GetInt64(0)).ConfigureAwait(false);
        round.Touched++;
        if (move.Next <= from) return true;
        PartRow part = await round.PartAsync(stream, move.Partition).ConfigureAwait(false);
        reader.Bytes += await Entries.BytesBeforeAsync(round, part, move.Next).ConfigureAwait(false)
            - await Entries.BytesBeforeAsync(round, part, from).ConfigureAwait(false);
        reader.Items += move.Next - from;
        reader.IsChanged = true;
        round.Rows.Cursors[(reader.Id, move.Partition)] = move.Next;
        round.Rows.Trims.Add((stream.Id, move.Partition));
        round.Changes.AddRoom(stream.Name);
        return true;
    }

    private static async Task InsertAsync(Round round, OpenReader[] readers)
    {
        var found = new (long Id, long Behind, long Bytes)[readers.Length];
        await round.ReadAsync([.. readers.SelectMany(reader => Inserts(round, reader))], (query, row) =>
        {
            ref (long Id, long Behind, long Bytes) one = ref found[query / InsertsPerReader];
            if (query % InsertsPerReader == 0) one.Id = row.GetInt64(0);
            else if (query % InsertsPerReader == 2) (one.Behind, one.Bytes) = (row.GetInt64(0), row.GetInt64(1));
        }).ConfigureAwait(false);
        foreach (var (reader, (id, behind, bytes)) in readers.Zip(found))
        {
            StreamRow stream = round.Stream(reader.Stream);
            stream.Readers.Add(reader.Reader, new()
            {
                Id = id,
                Name = reader.Reader,
                Options = reader.Options,
                Items = stream.Items - behind,
                Bytes = stream.Bytes - bytes,
                IsChanged = true
            });
            round.Touched++;
        }
    }

    private static NpgsqlBatchCommand[] Inserts(Round round, OpenReader reader)
    {
        (long stream, string name, ReaderOptions options) = (round.Stream(reader.Stream).Id, reader.Reader, reader.Options);
        string next = options.Start == StreamStart.First ? Trimming.Passed : "p.tail";
        return
        [
            round.Sql.Command("INSERT INTO ~reader(stream, name, start, idle, gates, expires, items, bytes) "
                + "VALUES ($1, $2, $3, $4, $5, $6, 0, 0) RETURNING id").With(stream).With(name).With((int)options.Start)
                .With(options.IdleTimeout?.Ticks).With(options.AppliesBackpressure).With((long?)null),
            round.Sql.Command($"INSERT INTO ~cursor(reader, part, next) SELECT r.id, p.n, {next} + 1 FROM ~reader r JOIN ~stream s "
                + "ON s.id = r.stream JOIN ~part p ON p.stream = s.id WHERE r.stream = $1 AND r.name = $2 RETURNING 1")
                .With(stream).With(name),
            round.Sql.Command("SELECT COALESCE(sum(p.tail - c.next + 1), 0)::bigint, COALESCE(sum(CASE WHEN c.next > p.tail THEN 0 "
                + "ELSE p.bytes - COALESCE((SELECT k.before + k.bytes * (c.next - k.first) / (k.last - k.first + 1) FROM ~chunk k "
                + "WHERE k.stream = p.stream AND k.part = p.n AND k.last >= c.next ORDER BY k.first LIMIT 1), p.bytes) END), 0)::bigint "
                + "FROM ~reader r JOIN ~cursor c ON c.reader = r.id JOIN ~part p ON p.stream = r.stream AND p.n = c.part "
                + "WHERE r.stream = $1 AND r.name = $2").With(stream).With(name),
        ];
    }
}
