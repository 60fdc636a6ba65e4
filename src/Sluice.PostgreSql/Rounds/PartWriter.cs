using static Sluice.PostgreSql.RowWriter;

namespace Sluice.PostgreSql;

/// <summary>Writes the rows that commits bring: letters, state, lengths of files, reservations, counters of batches.</summary>
internal static class PartWriter
{
    public static void Dead(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        foreach ((long Group, StoredDeadLetter Letter, byte[] Body)[] rows in Portions(round.Rows.Dead, static row => row.Body.Length))
            Dead(rows, add);
        round.Rows.Dead.Clear();
    }

    private static void Dead((long Group, StoredDeadLetter Letter, byte[] Body)[] rows, Func<string, NpgsqlBatchCommand> add)
        => add("INSERT INTO ~dead(grp, number, part, root, attempts, died, node, path, error, body) SELECT * FROM unnest($1::bigint[], "
            + "$2::bigint[], $3::int[], $4::bigint[], $5::int[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::bytea[])")
            .With(Of(rows, row => row.Group)).With(Of(rows, row => row.Letter.Number)).With(Of(rows, row => row.Letter.Partition))
            .With(Of(rows, row => row.Letter.Root)).With(Of(rows, row => row.Letter.Attempts))
            .With(Of(rows, row => row.Letter.DiedAt.UtcTicks)).With(Of(rows, row => row.Letter.Node))
            .With(Of(rows, row => row.Letter.Path)).With(Of(rows, row => row.Letter.Error)).With(Of(rows, row => row.Body));

    public static void State(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        if (round.Rows.State.Count == 0) return;
        KeyValuePair<(long Group, int Partition, string Node, string Key), StateRow>[] kept =
            [.. round.Rows.State.Where(row => row.Value.Value is not null)];
        KeyValuePair<(long Group, int Partition, string Node, string Key), StateRow>[] removed =
            [.. round.Rows.State.Where(row => row.Value.Value is null)];
        const string Same = "s.grp = k.grp AND s.part = k.part AND left(s.node, 200) = left(k.node, 200) "
            + "AND left(s.key, 200) = left(k.key, 200) AND s.node = k.node AND s.key = k.key";
        if (kept.Length > 0)
            add("WITH k AS (SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::int[], $6::bytea[]) WITH ORDINALITY "
                + $"k(grp, part, node, key, version, value, i)), u AS (UPDATE ~state s SET version = k.version, value = k.value FROM k "
                + $"WHERE {Same} RETURNING k.i) INSERT INTO ~state(grp, part, node, key, version, value) "
                + "SELECT grp, part, node, key, version, value FROM k WHERE i NOT IN (SELECT i FROM u)").WithKeys(kept)
                .With(Of(kept, row => row.Value.Version)).With(Of(kept, row => row.Value.Value!.Value.ToArray()));
        if (removed.Length > 0)
            add($"DELETE FROM ~state s USING unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) k(grp, part, node, key) WHERE {Same}")
                .WithKeys(removed);
        round.Rows.State.Clear();
    }

    public static void Files(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        KeyValuePair<(long Group, int Partition, string Name), long>[] rows = [.. round.Rows.Files];
        if (rows.Length == 0) return;
        add("DELETE FROM ~file f USING unnest($1::bigint[], $2::int[], $3::text[]) k(grp, part, name) "
            + "WHERE f.grp = k.grp AND f.part = k.part AND left(f.name, 200) = left(k.name, 200) AND f.name = k.name")
            .With(Of(rows, row => row.Key.Group)).With(Of(rows, row => row.Key.Partition)).With(Of(rows, row => row.Key.Name));
        rows = [.. rows.Where(row => row.Value >= 0)];
        if (rows.Length > 0)
            add("INSERT INTO ~file(grp, part, name, length) SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[])")
                .With(Of(rows, row => row.Key.Group)).With(Of(rows, row => row.Key.Partition)).With(Of(rows, row => row.Key.Name))
                .With(Of(rows, row => row.Value));
        round.Rows.Files.Clear();
    }

    public static void Reserved(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        foreach ((OwnedRow owned, long stream, long items, long bytes) in round.Rows.Reserved)
            add("INSERT INTO ~reserved(grp, part, stream, items, bytes) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (grp, part, stream) "
                + "DO UPDATE SET items = reserved.items + excluded.items, bytes = reserved.bytes + excluded.bytes")
                .With(owned.Group.Id).With(owned.Number).With(stream).With(items).With(bytes);
        round.Rows.Reserved.Clear();
    }

    public static void Batches(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        if (round.Batches.Count == 0) return;
        string[] ended = [.. round.Batches.Where(one => one.Value == default || round.Rows.EndedBatches.Contains(one.Key))
            .Select(one => one.Key)];
        KeyValuePair<string, BatchCounts>[] kept = [.. round.Batches.Where(one => !ended.Contains(one.Key))];
        if (ended.Length > 0) add("DELETE FROM ~batch WHERE name = ANY($1)").With(ended);
        if (kept.Length > 0)
            add("UPDATE ~batch b SET accepted = k.accepted, ended = k.ended, failed = k.failed, closed = k.closed FROM unnest($1::text[], "
                + "$2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[]) k(name, accepted, ended, failed, closed) "
                + "WHERE b.name = k.name").With(Of(kept, one => one.Key)).With(Of(kept, one => one.Value.Accepted))
                .With(Of(kept, one => one.Value.Ended)).With(Of(kept, one => one.Value.Failed)).With(Of(kept, one => one.Value.IsClosed));
    }

    private static NpgsqlBatchCommand WithKeys(this NpgsqlBatchCommand command,
        KeyValuePair<(long Group, int Partition, string Node, string Key), StateRow>[] rows) => command
        .With(Of(rows, row => row.Key.Group)).With(Of(rows, row => row.Key.Partition)).With(Of(rows, row => row.Key.Node))
        .With(Of(rows, row => row.Key.Key));
}
