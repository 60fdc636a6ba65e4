using Sluice.Storage;

namespace Sluice.PostgreSql;

/// <summary>
/// Moves what senders have accepted in transactions of their own into the partitions: at the beginning of every round that writes, under
/// the lock of the stream, in the order of the sends.
/// </summary>
/// <remarks>
/// A round appends all rows that it sees. Two sends of which one began after the other's transaction had committed keep their order: a
/// round that sees the later row sees the earlier one, too, and the earlier one has the lower id. A row that is seen later is moved later.
/// Bounds do not hold up what is committed: the sender was refused before.
/// </remarks>
internal static class IntakeCalls
{
    /// <summary>The first half of the advisory lock of a stream's senders; the second one is a hash of the stream.</summary>
    public const int LockSpace = 0x534C_5549;

    /// <summary>The name under which the lock of a stream's senders is known.</summary>
    public static string LockName(Sql sql, string stream) => $"{sql.Schema}.{stream}";

    public static async Task TakeAsync(Round round)
    {
        foreach (IGrouping<long, IntakeRow> rows in round.Intake.Rows.GroupBy(static row => row.Stream))
        {
            if (round.StreamOf(rows.Key) is not { } stream) continue;
            List<(IntakeRow Row, ReadOnlyMemory<byte>[] Records)> all = [];
            foreach (IntakeRow row in rows)
            {
                round.Rows.Intake.Add(row);
                ReadOnlyMemory<byte>[] records = Divide(row);
                if (row.Damage is null) all.Add((row, records));
                else round.Damage.Add(Describe(stream.Name, row));
            }
            round.Touched++;
            await PrepareAsync(round, stream, all.SelectMany(static one => one.Records)).ConfigureAwait(false);
            foreach ((IntakeRow row, ReadOnlyMemory<byte>[] records) in all)
                if (row.Key is null) AppendCalls.Append(round, stream, records);
                else await AppendOnceAsync(round, stream, row, records).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whether an ended stream can get no more items: the intake has no committed row of it, and no transaction that has sent to it is
    /// open.
    /// </summary>
    public static async Task<bool> IsClosedAsync(Round round, StreamRow stream)
    {
        (bool isFree, bool isEmpty) = (false, false);
        await round.ReadAsync([
            round.Sql.Command("SELECT pg_try_advisory_xact_lock($1, hashtext($2))").With(LockSpace)
                .With(LockName(round.Sql, stream.Name)),
            // Behind the lock, so that it sees all that those have committed who held it.
            round.Sql.Command("SELECT NOT EXISTS (SELECT FROM ~intake WHERE stream = $1 AND NOT damaged)").With(stream.Id)],
            (query, row) =>
            {
                if (query == 0) isFree = row.GetBoolean(0);
                else isEmpty = row.GetBoolean(0);
            }).ConfigureAwait(false);
        return isFree && isEmpty;
    }

    /// <summary>Whether rows are there that a round would take.</summary>
    public static async Task<bool> IsThereAsync(Round round, string stream)
    {
        bool found = false;
        if (round.FindStream(stream) is { } one)
            await round.ReadAsync([round.Sql.Command("SELECT EXISTS (SELECT FROM ~intake WHERE stream = $1 AND NOT damaged)").With(one.Id)],
                (_, row) => found = row.GetBoolean(0)).ConfigureAwait(false);
        return found;
    }

    /// <summary>What is wrong with the rows of a stream, and the number of entries that were read.</summary>
    public static async Task<(long Entries, List<string> Problems, long Next)?> CheckAsync(Round round, string name, long after)
    {
        if (round.FindStream(name) is not { } stream) return null;
        (long entries, long next, List<string> problems) = (0, 0, []);
        await round.ReadAsync([round.Sql.Command("SELECT xid, id, items, body, key FROM ~intake WHERE stream = $1 AND id > $2 ORDER BY id "
            + "LIMIT 100").With(stream.Id).With(after)], (query, read) =>
            {
                var row = new IntakeRow(stream.Id, read.GetInt64(0), read.GetInt64(1), read.GetInt32(2), read.Bytes(3))
                {
                    Key = read.TextOrNull(4),
                };
                (next, entries) = (row.Id, entries + row.Items);
                EntryChunkHeader header = new(1, row.Items, round.Time, round.Generation);
                foreach (ReadOnlyMemory<byte> record in Divide(row))
                    try
                    {
                        EntryChunk.ReadRecord(record, header, row.Id, name, -1, out _);
                    }
                    catch (StreamStoreException)
                    {
                        row.Damage ??= "an entry cannot be read";
                    }
                if (row.Damage is not null) problems.Add(Describe(name, row));
            }).ConfigureAwait(false);
        return next == 0 ? null : (entries, problems, next);
    }

    private static string Describe(string stream, IntakeRow row) => string.Create(CultureInfo.InvariantCulture,
        $"What a transaction has accepted for {stream} (intake, id {row.Id}, items: {row.Items}) is damaged: {row.Damage}. "
        + $"Restore the store from a backup, or delete the row.");

    private static ReadOnlyMemory<byte>[] Divide(IntakeRow row)
    {
        // It would make a producer whose name the server cannot index: each round of the stream would fail.
        if (row.Key?.Length > SendOptions.MaxKeyLength) row.Damage = "its key is too long";
        List<ReadOnlyMemory<byte>> records = [];
        for (ReadOnlyMemory<byte> rest = row.Body; rest.Length > 0;)
        {
            int length = EntryChunk.RecordLength(rest.Span);
            if (length < EntryChunk.RecordOverhead || length > rest.Length)
            {
                row.Damage = "a record is cut off";
                return [];
            }
            records.Add(rest[..length]);
            rest = rest[length..];
        }
        if (records.Count != row.Items) row.Damage = "its number of entries is another one";
        return row.Damage is null ? [.. records] : [];
    }

    private static async Task PrepareAsync(Round round, StreamRow stream, IEnumerable<ReadOnlyMemory<byte>> records)
    {
        int[] missing = [.. records.Select(record => AppendCalls.PartitionOf(stream, record)).Distinct()
            .Where(number => !stream.Parts.ContainsKey(number))];
        if (missing.Length > 0) await RoundLoader.PartsAsync(round, stream, missing, default).ConfigureAwait(false);
    }

    // A send outside of a transaction makes a producer of the same name, so one key is one producer however the items are sent.
    private static async Task AppendOnceAsync(Round round, StreamRow stream, IntakeRow row, ReadOnlyMemory<byte>[] records)
    {
        string name = IntakeInsert.ProducerOf(row.Key!);
        if (await round.ProducerAsync(stream, name).ConfigureAwait(false) is { } known)
        {
            // A send outside of the transaction was accepted under the key meanwhile. Equal items are there already. Others are appended,
            // because both senders were told that their items are accepted.
            if (known.Last == row.Items && IntakeInsert.IsSame(row.Fingerprint, known.Position)) return;
            AppendCalls.Append(round, stream, records);
            return;
        }
        ProducerRow producer = Round.MakeProducer(stream, name);
        (producer.LastId, producer.Last, producer.LastFrom) = (AppendCalls.Append(round, stream, records), row.Items, 1);
        (producer.Position, producer.Forget, producer.IsChanged) = (row.Fingerprint, round.Now + row.Keep, true);
        stream.HasAppended = true;
    }
}
