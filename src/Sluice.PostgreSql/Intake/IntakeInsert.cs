namespace Sluice.PostgreSql;

/// <summary>
/// Writes rows of the intake in an application's transaction. It takes no lock that a round waits for: it reads the row of the stream, and
/// inserts. So an open transaction delays no other call, except sends under the same idempotency key.
/// </summary>
internal sealed class IntakeInsert(Sql sql)
{
    private const int MaxItems = 4096;               // of one row
    private const long MaxBytes = 1 << 20;

    // Planned for each send, because nothing may be prepared on the application's connection. So it reads the row of the stream only, and
    // has few operators. What is not in the stream yet counts as well.
    private const string Row = "SELECT s.id, txid_current(), $3, $4, $5";
    private const string Columns = "INSERT INTO ~intake(stream, xid, items, bytes, body";
    private const string Place = " FROM ~stream s WHERE s.name = $1 AND s.store = $2";
    private const string Room = " AND NOT s.has_ended AND (s.held_items <= $6 OR (s.held_items <= s.max_items - $7 "
        + "AND s.held_bytes <= s.max_bytes - $8))";
    private const string HiddenRoom = " AND NOT s.has_ended AND (s.held_items <= $3 OR (s.held_items <= s.max_items - $4 "
        + "AND s.held_bytes <= s.max_bytes - $5))";
    private const string Hidden = " FROM (SELECT $1::bigint AS id) s WHERE $2::text IS NOT NULL";
    private const string Once = "ON CONFLICT (stream, key) WHERE key IS NOT NULL DO NOTHING";
    private const string Returning = " RETURNING xid";

    private const string Insert = $"{Columns}) {Row}{Place}{Room}{Returning}";
    private const string InsertMore = $"{Columns}) {Row}{Place}{Returning}";
    private const string InsertOnce = $"{Columns}, key, print, keep) {Row}, $9, $10, $11{Place}{Room} {Once}{Returning}";
    private const string InsertHidden = $"{Columns}) {Row}{Hidden}{Returning}";
    private const string InsertHiddenOnce = $"{Columns}, key, print, keep) {Row}, $6, $7, $8{Hidden} {Once}{Returning}";

    /// <summary>The producer of a stream that stands for an idempotency key; also of sends outside of transactions.</summary>
    public static string ProducerOf(string key) => $"$key/{key}";

    public static bool IsSame(ReadOnlySpan<byte> given, ReadOnlySpan<byte> recorded)
        => given.IsEmpty || recorded.IsEmpty || given.SequenceEqual(recorded);

    /// <summary>Divides entries into rows. Entries under a key are one row.</summary>
    public static IEnumerable<(int Items, long Bytes, byte[] Body)> Rows(EntryBatch entries, bool isOne)
    {
        for (int from = 0, to; from < entries.Count; from = to)
        {
            (int items, long bytes, int length) = (0, 0, 0);
            for (to = from; to < entries.Count
                && (isOne || items == 0 || (items < MaxItems && bytes + entries.LengthAt(to) <= MaxBytes)); to++)
                (items, bytes, length) = (items + 1, bytes + entries.LengthAt(to), length + entries.RecordAt(to).Length);
            var body = new byte[length];
            for (int i = from, at = 0; i < to; at += entries.RecordAt(i++).Length) entries.RecordAt(i).CopyTo(body.AsMemory(at));
            yield return (items, bytes, body);
        }
    }

    /// <summary>Inserts a row.</summary>
    /// <param name="connection">The connection of the transaction.</param>
    /// <param name="store">The id of the store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="row">The row.</param>
    /// <param name="pending">What transactions of this process have sent and what is not in the stream yet.</param>
    /// <param name="need">The room that all rows of the send need; null if it has been found for an earlier one.</param>
    /// <param name="options">The idempotency key.</param>
    /// <param name="hidden">The id of the stream if the transaction does not see it (<see cref="FindHiddenAsync"/>).</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The number of the transaction; null if the row was refused.</returns>
    public async Task<long?> RunAsync(NpgsqlConnection connection, string store, string stream, (int Items, long Bytes, byte[] Body) row,
        (long Items, long Bytes) pending, (long Items, long Bytes)? need, SendOptions? options, long? hidden,
        CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        // The server allows it in a transaction only (25P01). If the caller has ended his meanwhile, the row would be committed by itself.
        batch.BatchCommands.Add(sql.Command("LOCK TABLE ~intake IN ROW EXCLUSIVE MODE"));
        // Before the row of the stream is read: so a stream that has ended is not told empty while this transaction may still commit.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_advisory_xact_lock_shared($1, hashtext($2))").With(IntakeCalls.LockSpace)
            .With(IntakeCalls.LockName(sql, stream)));
        bool hasKey = need is not null && options?.IdempotencyKey is not null;
        NpgsqlBatchCommand command = hidden is { } known
            ? sql.Command(hasKey ? InsertHiddenOnce : InsertHidden).With(known)
            : sql.Command(need is null ? InsertMore : hasKey ? InsertOnce : Insert).With(stream);
        command.With(store).With(row.Items).With(row.Bytes).With(row.Body);
        if (hidden is null && need is { } room)
            command.With(-pending.Items).With(pending.Items + room.Items).With(pending.Bytes + room.Bytes);
        if (hasKey)
            command.With(options!.IdempotencyKey!).With(options.Fingerprint.IsEmpty ? null : options.Fingerprint.ToArray())
                .With(options.IdempotencyWindow.Ticks);
        batch.BatchCommands.Add(command);
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await rows.NextResultAsync(cancellation).ConfigureAwait(false);
        return await rows.ReadAsync(cancellation).ConfigureAwait(false) ? rows.GetInt64(0) : null;
    }

    /// <summary>
    /// Finds a stream that a transaction does not see: its snapshot is older than the stream (REPEATABLE READ, SERIALIZABLE).
    /// </summary>
    /// <param name="own">A connection of the store.</param>
    /// <param name="store">The id of the store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="pending">As for <see cref="RunAsync"/>.</param>
    /// <param name="need">The room that the send needs.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Its id; null if it has no room, has ended or is not there.</returns>
    public async Task<long?> FindHiddenAsync(NpgsqlConnection own, string store, string stream, (long Items, long Bytes) pending,
        (long Items, long Bytes) need, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = own.CreateBatch();
        batch.BatchCommands.Add(sql.Command($"SELECT s.id{Place}{HiddenRoom}").With(stream).With(store)
            .With(-pending.Items).With(pending.Items + need.Items).With(pending.Bytes + need.Bytes));
        return (long?)await batch.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>What was accepted under a key before; null if nothing was.</summary>
    public async Task<SendResult?> FindAsync(NpgsqlConnection connection, string stream, int items, SendOptions options, long? hidden,
        CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(sql.Command("SELECT i.items::bigint, COALESCE(i.print, '') FROM ~intake i "
            + "WHERE i.stream = COALESCE((SELECT id FROM ~stream WHERE name = $1), $5) AND i.key = $2 "
            + "UNION ALL SELECT p.last, p.position FROM ~producer p JOIN ~stream s ON s.id = p.stream "
            + "WHERE s.name = $1 AND p.name = $3 AND p.epoch = 0 AND (p.forget IS NULL OR p.forget > $4 "
            + "+ (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 10)").With(stream).With(options.IdempotencyKey!)
            .With(ProducerOf(options.IdempotencyKey!)).With(DateTimeOffset.UnixEpoch.Ticks)
            .With(hidden ?? 0));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellation).ConfigureAwait(false)) return null;
        return rows.GetInt64(0) == items && IsSame(options.Fingerprint.Span, rows.Bytes(1)) ? new(SendStatus.Repeated, items)
            : new(SendStatus.Conflict, 0);
    }
}
