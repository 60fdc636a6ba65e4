namespace Sluice.PostgreSql;

/// <summary>Entries that left the order.</summary>
internal static class WaitingCalls
{
    private const int Page = 1000;                   // entries that are read at once when a partition is taken over

    /// <summary>Reads the rows of some sequences, so that the round knows them. What it knows already stays.</summary>
    public static async ValueTask LoadAsync(Round round, OwnedRow owned, IReadOnlyList<SequenceRange> ranges)
    {
        if (owned.Rows == 0 || ranges.Count == 0) return;
        await round.ReadAsync([round.Sql.Command("SELECT w.seq, w.state, w.before, w.alone, w.attempts, w.due, w.share "
            + "FROM unnest($3::bigint[], $4::bigint[]) k(first, last) JOIN ~waiting w ON w.grp = $1 AND w.part = $2 "
            + "AND w.seq BETWEEN k.first AND k.last").With(owned.Group.Id).With(owned.Number)
            .With(ranges.Select(range => range.First).ToArray()).With(ranges.Select(range => range.Last).ToArray())],
            (_, row) => Know(round, owned, row)).ConfigureAwait(false);
    }

    /// <summary>The row of a sequence; null if the round knows none.</summary>
    public static WaitingRow? Find(Round round, OwnedRow owned, long sequence)
        => round.Rows.Waiting.TryGetValue((owned, sequence), out WaitingRow? row) && !row.IsDeleted ? row : null;

    public static WaitingRow Insert(Round round, OwnedRow owned, long sequence, byte[] body, long share, WaitingStatus state, int attempts,
        long? due, string node = "", string error = "")
    {
        round.Touched++;
        WaitingRow row = new WaitingRow(owned, sequence) { Body = body, Share = share }
            .Insert(state, attempts, due, node.Storable(), error.Storable());
        round.Rows.Waiting[(owned, sequence)] = row;
        owned.Pass(sequence, sequence);
        return row;
    }

    /// <summary>Adds an entry of the group's own (derived or redriven), which can be leased at once.</summary>
    public static void AddOwn(Round round, OwnedRow owned, byte[] body, long bytes)
    {
        Insert(round, owned, --owned.LastOwn, body, bytes, WaitingStatus.Retrying, 0, round.Now);
        GroupRow group = owned.Group;
        (group.Items, group.Bytes, group.IsChanged) = (group.Items - 1, group.Bytes - bytes, true);
    }

    /// <summary>Turns entries in flight into suspects: their owner did not release the partition.</summary>
    public static async ValueTask SuspectAsync(Round round, OwnedRow owned, bool isAlive)
    {
        SequenceRange[] flying = [.. owned.FirstTimers()];
        if (owned.Flying > 0 || flying.Length > 0) await round.SaveAsync().ConfigureAwait(false);
        if (owned.Flying > 0)
        {
            round.Rows.Waiting.Clear();
            await round.RunAsync(round.Sql.Command("UPDATE ~waiting SET state = 3, alone = false, due = NULL, attempts = attempts + "
                + "CASE WHEN alone AND NOT $3 THEN 1 ELSE 0 END WHERE grp = $1 AND part = $2 AND state = 0").With(owned.Group.Id)
                .With(owned.Number).With(isAlive)).ConfigureAwait(false);
            (owned.Suspects, owned.Flying) = (owned.Suspects + owned.Flying, 0);
        }
        PartRow part = await round.PartAsync(owned.Group.Stream, owned.Number).ConfigureAwait(false);
        foreach (long[] page in flying.SelectMany(Sequences).Chunk(Page))
        {
            var entries = await Entries.ReadAsync(round, part, page).ConfigureAwait(false);
            foreach (long sequence in page)
                Insert(round, owned, sequence, Entries.BodyOf(sequence, entries.TryGetValue(sequence, out var found) ? found : null, round),
                    await ShareAsync(round, part, sequence).ConfigureAwait(false), WaitingStatus.Suspect, 0, null);
            await round.SaveAsync().ConfigureAwait(false);
            round.Rows.Waiting.Clear();
        }
        owned.Advance();
        owned.IsChanged = true;
    }

    /// <summary>Returns rows in flight to their state before the lease.</summary>
    public static async ValueTask GiveBackAsync(Round round, OwnedRow owned)
    {
        if (owned.Flying == 0) return;
        await round.SaveAsync().ConfigureAwait(false);
        round.Rows.Waiting.Clear();
        List<WaitingStatus> states = [];
        await round.ReadAsync([round.Sql.Command("UPDATE ~waiting SET state = before, alone = false WHERE grp = $1 AND part = $2 "
            + "AND state = 0 RETURNING state").With(owned.Group.Id).With(owned.Number)],
            (_, row) => states.Add((WaitingStatus)row.GetInt32(0))).ConfigureAwait(false);
        round.Touched++;
        owned.Count(WaitingStatus.InFlight, -states.Count);
        foreach (WaitingStatus state in states) owned.Count(state, 1);
    }

    /// <summary>Lists rows by sequence, as they are stored.</summary>
    public static async Task<IReadOnlyList<WaitingEntry>> ListAsync(Round round, OwnedRow owned, long? after, int max, bool withPayload)
    {
        List<WaitingEntry> rows = [];
        string stream = owned.Group.Stream.Name;
        await round.ReadAsync([round.Sql.Command("SELECT seq, state, attempts, due, node, error, "
            + (withPayload ? "body" : $"substr(body, 1, {EntryChunk.HeaderBytes + EntryChunk.RecordOverhead})")
            + " FROM ~waiting WHERE grp = $1 AND part = $2 AND seq > $3 ORDER BY seq LIMIT $4").With(owned.Group.Id).With(owned.Number)
            .With(after ?? long.MinValue).With(max)],
            (_, row) =>
            {
                long sequence = row.GetInt64(0);
                var status = (WaitingStatus)row.GetInt32(1);
                Entry entry = withPayload ? Stored.TryRead(row.Bytes(6), sequence, stream, owned.Number).Entry
                    : Head(row.Bytes(6), sequence);
                rows.Add(new(entry, status, row.GetInt32(2), status == WaitingStatus.Retrying && row.LongOrNull(3) is { } due
                    ? new DateTimeOffset(due, TimeSpan.Zero) : null, row.GetString(4), row.GetString(5)));
            }).ConfigureAwait(false);
        return rows;
    }

    /// <summary>The bytes that an entry counts in the backlog.</summary>
    public static async ValueTask<long> ShareAsync(Round round, PartRow part, long sequence)
        => await Entries.BytesBeforeAsync(round, part, sequence + 1).ConfigureAwait(false)
        - await Entries.BytesBeforeAsync(round, part, sequence).ConfigureAwait(false);

    public static void Know(Round round, OwnedRow owned, NpgsqlDataReader row, byte[]? body = null)
    {
        long sequence = row.GetInt64(0);
        if (round.Rows.Waiting.ContainsKey((owned, sequence))) return;
        round.Rows.Waiting.Add((owned, sequence), new WaitingRow(owned, sequence) { Share = row.GetInt64(6), Body = body }
            .As((WaitingStatus)row.GetInt32(1), (WaitingStatus)row.GetInt32(2), row.GetBoolean(3), row.GetInt32(4), row.LongOrNull(5)));
    }

    // Key and versions of an entry whose payload was not read.
    private static Entry Head(ReadOnlySpan<byte> body, long sequence)
    {
        if (body.Length < EntryChunk.HeaderBytes + EntryChunk.RecordOverhead) return new() { Sequence = sequence };
        ReadOnlySpan<byte> record = body[EntryChunk.HeaderBytes..];
        EntryChunkHeader header;
        try
        {
            header = EntryChunk.ReadHeader(body, "", 0);
        }
        catch (StreamStoreException)
        {
            return new() { Sequence = sequence };    // the damage is reported where the entry is leased
        }
        return new()
        {
            Sequence = sequence,
            Generation = header.Generation,
            Time = header.Time,
            Key = EntryChunk.KeyOf(record),
            CodeVersion = System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(record[16..]),
            FlowVersion = System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(record[20..]),
        };
    }

    internal static IEnumerable<long> Sequences(SequenceRange range)
    {
        for (long sequence = range.First; sequence <= range.Last; sequence++) yield return sequence;
    }
}
