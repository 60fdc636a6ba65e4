using static Sluice.PostgreSql.RowReader;

namespace Sluice.PostgreSql;

/// <summary>Begins the transaction of a round: locks its streams and reads the rows that its calls named.</summary>
internal static class RoundLoader
{
    private static readonly string[] OfStream = ["id", "name", "partitions", "max_items", "max_bytes", "max_entry", "retention",
        "has_ended", "failure", "next", "items", "bytes", "gone", "gone_bytes", "time", "held_items", "held_bytes", "stamp"];

    private static readonly string AllOfStream = StreamColumns("s");

    private const string OwnedColumns = "o.grp, o.part, o.epoch, o.owner, o.instance, o.owner_version, o.version, o.dispatched, o.done, "
        + "o.last_commit, o.commit_epoch, o.last_own, o.rows, o.flying, o.retrying, o.suspects, o.passed";

    private const string ProducerColumns = "p.name, p.epoch, p.last, p.last_from, p.first_part, p.first_seq, p.first_generation, "
        + "p.position, p.forget";

    private const string Holders = "unnest($1::text[], $2::text[], $3::int[]) k(stream, name, n) JOIN ~stream s ON s.name = k.stream "
        + "JOIN ~grp g ON g.stream = s.id AND g.name = k.name";

    private const string Holdings = $"SELECT f.grp, f.part, f.name, f.length FROM {Holders} JOIN ~file f ON f.grp = g.id AND f.part = k.n "
        + $"UNION ALL SELECT r.grp, r.part, NULL, 0 FROM {Holders} JOIN ~reserved r ON r.grp = g.id AND r.part = k.n";

    /// <summary>Microseconds since 1970, by the server's clock.</summary>
    internal const string Clock = "SELECT generation, store, version, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, "
        + "pg_is_in_recovery()";

    private const int FewStreams = 4;                // whose partitions are found by a statement each

    private const int Neighbors = 64;                // partitions that are read together

    private const string PartColumns = "p.stream, p.n, p.tail, p.bytes, p.trimmed, p.swept";

    // Others of the round must not wait for long for a stream that another process has locked.
    internal const string LockTimeout = "SET LOCAL lock_timeout = 1000";

    /// <summary>The columns of a stream, in the order in which they are read (<see cref="ReadStream"/>).</summary>
    public static string StreamColumns(string table) => string.Join(", ", OfStream.Select(column => $"{table}.{column}"));

    public static async Task LoadAsync(Round round, Needs needs, CancellationToken cancellation)
    {
        string[] names = [.. needs.Streams];
        await LoadAsync(round, needs, names, cancellation).ConfigureAwait(false);
        if (round.Intake.HasMore) round.Intake = await IntakeRows.ReadAsync(round, names, cancellation).ConfigureAwait(false);
    }

    private static async Task LoadAsync(Round round, Needs needs, string[] names, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        Add(round.IsReadOnly ? Sql.BeginReading : round.Transaction is null ? Sql.Begin : Sql.BegunByClient);
        if (round.IsDivisible) Add(LockTimeout);
        Add(needs.HasOtherStatements ? round.Sql.Frozen : round.Sql.FrozenWithPlans);
        Add($"SELECT {AllOfStream} FROM ~stream s WHERE name = ANY($1) ORDER BY id{(round.IsReadOnly ? "" : " FOR UPDATE")}").With(names);
        bool hasIntake = !round.IsReadOnly && names.Length > 0;
        if (hasIntake) batch.BatchCommands.Add(IntakeRows.LookFor(round, names));
        else Add($"{Clock} FROM ~meta");
        Add("SELECT r.stream, sum(r.items)::bigint, sum(r.bytes)::bigint FROM ~reserved r JOIN ~stream s ON s.id = r.stream "
            + "WHERE s.name = ANY($1) GROUP BY r.stream").With(names);
        Add("SELECT g.stream, g.id, g.name, g.items, g.bytes, g.dead, g.last_dead, g.q_owner, g.q_epoch, g.paused, "
            + "g.draining FROM ~grp g "
            + "JOIN ~stream s ON s.id = g.stream WHERE s.name = ANY($1)").With(names);
        Add("SELECT r.stream, r.id, r.name, r.start, r.idle, r.gates, r.expires, r.items, r.bytes FROM ~reader r "
            + "JOIN ~stream s ON s.id = r.stream WHERE s.name = ANY($1)").With(names);
        IGrouping<string, int>[] parts = [.. needs.Parts.GroupBy(static part => part.Stream, static part => part.Number)];
        bool areFew = parts.Length <= FewStreams;
        if (areFew)
            foreach (IGrouping<string, int> some in parts)
                Add($"SELECT {PartColumns} FROM ~stream s JOIN ~part p ON p.stream = s.id AND p.n = ANY(array_replace($2, -1, s.next)) "
                    + "WHERE s.name = $1").With(some.Key).With(some.ToArray());
        else
            Add($"SELECT {PartColumns} FROM unnest($1::text[], $2::int[]) k(name, n) JOIN ~stream s "
                + "ON s.name = k.name JOIN ~part p ON p.stream = s.id AND p.n = CASE WHEN k.n < 0 THEN s.next ELSE k.n END")
                .With(needs.Parts.Select(part => part.Stream).ToArray()).With(needs.Parts.Select(part => part.Number).ToArray());
        GroupId[] groups = [.. needs.Owned.Select(static one => one.Group).Distinct().Take(2)];
        if (groups is [var group])
            Add($"SELECT g.stream, {OwnedColumns} FROM ~stream s JOIN ~grp g ON g.stream = s.id AND g.name = $2 "
                + "JOIN ~owned o ON o.grp = g.id AND o.part = ANY($3) WHERE s.name = $1").With(group.Stream).With(group.Name)
                .With(needs.Owned.Select(one => one.Number).ToArray());
        else if (needs.Owned.Count > 0)
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
        if (needs.Holdings.Count > 0)
            Add(Holdings).With(needs.Holdings.Select(static one => one.Group.Stream).ToArray())
                .With(needs.Holdings.Select(static one => one.Group.Name).ToArray())
                .With(needs.Holdings.Select(static one => one.Number).ToArray());

        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!needs.HasOtherStatements) await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) round.Add(ReadStream(rows));
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellation).ConfigureAwait(false)) throw Failures.Emptied(round.Sql.Schema);
        if (rows.GetBoolean(4)) throw Failures.Standby();
        round.Begin(rows.GetInt32(0), rows.GetString(1), rows.GetInt32(2), rows.GetInt64(3));
        if (hasIntake) round.Intake = new(names, rows.GetString(5), [], HasMore: rows.GetBoolean(6));
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
        {
            if (round.StreamOf(rows.GetInt64(0)) is { } stream)
                (stream.ReservedItems, stream.ReservedBytes) = (rows.GetInt64(1), rows.GetInt64(2));
        }
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            if (round.StreamOf(rows.GetInt64(0)) is { } stream) round.Add(ReadGroup(stream, rows));
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
        {
            ReaderRow reader = ReadReader(rows);
            round.StreamOf(rows.GetInt64(0))?.Readers.Add(reader.Name, reader);
        }
        for (int i = 0; i < (areFew ? parts.Length : 1); i++)
        {
            await NextAsync(rows, cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
                if (round.StreamOf(rows.GetInt64(0)) is { } stream) ReadPart(stream, rows);
        }
        if (needs.Owned.Count > 0)
        {
            await NextAsync(rows, cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
                if (round.GroupOf(rows.GetInt64(1)) is { } of) ReadOwned(of, rows, 1);
        }
        if (needs.Producers.Count > 0)
        {
            await NextAsync(rows, cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
                if (round.StreamOf(rows.GetInt64(0)) is { } stream) AddProducer(stream, rows);
        }
        foreach ((string stream, string producer) in needs.Producers) round.FindStream(stream)?.KnownProducers.Add(producer);
        if (needs.Batches.Count > 0)
        {
            await NextAsync(rows, cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
                round.Batches.Add(rows.GetString(0), new(rows.GetInt64(1), rows.GetInt64(2), rows.GetInt64(3), rows.GetBoolean(4)));
        }
        if (needs.Holdings.Count == 0) return;
        foreach ((GroupId id, int number) in needs.Holdings)
            if (round.FindGroup(id) is { } holder) round.Held.Add(holder.Id, number);
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            round.Held.AddRow(rows.GetInt64(0), rows.GetInt32(1), rows.IsDBNull(2) ? null : rows.GetString(2), rows.GetInt64(3));

        NpgsqlBatchCommand Add(string text)
        {
            NpgsqlBatchCommand command = round.Sql.Command(text);
            batch.BatchCommands.Add(command);
            return command;
        }
    }

    /// <summary>Begins a round that knows the rows of its streams: reads only what the calls name beyond them.</summary>
    public static async Task ResumeAsync(Round round, Needs needs, CancellationToken cancellation)
    {
        (long Stream, int Number)[] parts = [.. needs.Parts.Select(need => (Stream: round.Stream(need.Stream), need.Number))
            .Select(static one => (one.Stream, Number: one.Number < 0 ? one.Stream.Next : one.Number))
            .Where(static one => !one.Stream.Parts.ContainsKey(one.Number))
            .SelectMany(static one => Near(one.Stream, one.Number).Select(number => (one.Stream.Id, number))).Distinct()];
        (long Group, int Number)[] owned = [.. needs.Owned
            .Where(need => round.FindGroup(need.Group)?.Owned.ContainsKey(need.Number) is false)
            .Select(need => (Group: round.Group(need.Group), need.Number))
            .SelectMany(static one => Near(one.Group.Stream, one.Number).Select(number => (one.Group.Id, number))).Distinct()];
        (StreamRow Stream, string Name)[] producers = [.. needs.Producers.Select(need => (Stream: round.Stream(need.Stream), need.Producer))
            .Where(static one => !one.Stream.KnownProducers.Contains(one.Producer))];
        List<NpgsqlBatchCommand> queries = [];
        List<Action<NpgsqlDataReader>> readers = [];
        if (parts.Length > 0)
            Add(round.Sql.Command($"SELECT {PartColumns} FROM unnest($1::bigint[], $2::int[]) k(stream, n) JOIN ~part p "
                + "ON p.stream = k.stream AND p.n = k.n").With(RowWriter.Of(parts, one => one.Stream))
                .With(RowWriter.Of(parts, one => one.Number)), row => ReadPart(round.StreamOf(row.GetInt64(0))!, row));
        if (owned.Length > 0)
            Add(round.Sql.Command($"SELECT {OwnedColumns} FROM unnest($1::bigint[], $2::int[]) k(grp, n) JOIN ~owned o ON o.grp = k.grp "
                + "AND o.part = k.n").With(RowWriter.Of(owned, one => one.Group)).With(RowWriter.Of(owned, one => one.Number)),
                row => ReadOwned(round.GroupOf(row.GetInt64(0))!, row, 0));
        if (producers.Length > 0)
            Add(round.Sql.Command($"SELECT p.stream, {ProducerColumns} FROM unnest($1::bigint[], $2::text[]) k(stream, name) "
                + "JOIN ~producer p ON p.stream = k.stream AND p.name = k.name").With(RowWriter.Of(producers, one => one.Stream.Id))
                .With(RowWriter.Of(producers, one => one.Name)), row => AddProducer(round.StreamOf(row.GetInt64(0))!, row));
        await round.ReadAsync(queries, (query, row) => readers[query](row), cancellation: cancellation).ConfigureAwait(false);
        foreach ((StreamRow stream, string name) in producers) stream.KnownProducers.Add(name);

        void Add(NpgsqlBatchCommand query, Action<NpgsqlDataReader> reader)
        {
            queries.Add(query);
            readers.Add(reader);
        }
    }

    // Who needs one partition soon needs the next ones: entries without a key go round.
    private static IEnumerable<int> Near(StreamRow stream, int number)
        => Enumerable.Range(number - (number % Neighbors), Neighbors).Where(one => one < stream.Options.Partitions);

    /// <summary>Reads a partition that was not named in advance.</summary>
    public static async Task<PartRow> PartAsync(Round round, StreamRow stream, int number, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command("SELECT stream, n, tail, bytes, trimmed, swept FROM ~part WHERE stream = $1 AND n = $2")
            .With(stream.Id).With(number));
        await using NpgsqlDataReader rows = await round.ExecuteAsync(batch, cancellation).ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellation).ConfigureAwait(false))
            throw Failures.Missing($"the partition {stream.Name}/{number}", stream.Name);
        return ReadPart(stream, rows);
    }

    /// <summary>Reads several partitions that were not named in advance.</summary>
    public static async Task PartsAsync(Round round, StreamRow stream, int[] numbers, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command("SELECT stream, n, tail, bytes, trimmed, swept FROM ~part "
            + "WHERE stream = $1 AND n = ANY($2)")
            .With(stream.Id).With(numbers));
        await using NpgsqlDataReader rows = await round.ExecuteAsync(batch, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadPart(stream, rows);
        foreach (int number in numbers)
            if (!stream.Parts.ContainsKey(number)) throw Failures.Missing($"the partition {stream.Name}/{number}", stream.Name);
    }

    /// <summary>Reads a partition of a group that was not named in advance.</summary>
    public static async Task<OwnedRow> OwnedAsync(Round round, GroupRow group, int number, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command($"SELECT {OwnedColumns} FROM ~owned o WHERE o.grp = $1 AND o.part = $2")
            .With(group.Id).With(number));
        await using NpgsqlDataReader rows = await round.ExecuteAsync(batch, cancellation).ConfigureAwait(false);
        if (!await rows.ReadAsync(cancellation).ConfigureAwait(false))
            throw Failures.Missing($"the partition {number} of {group.Group}", group.Group.Stream);
        return ReadOwned(group, rows, 0);
    }

    /// <summary>Reads all partitions of a group.</summary>
    public static async Task AllOwnedAsync(Round round, GroupRow group, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command($"SELECT {OwnedColumns} FROM ~owned o WHERE o.grp = $1").With(group.Id));
        batch.BatchCommands.Add(round.Sql.Command("SELECT stream, n, tail, bytes, trimmed, swept FROM ~part WHERE stream = $1")
            .With(group.Stream.Id));
        await using NpgsqlDataReader rows = await round.ExecuteAsync(batch, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadOwned(group, rows, 0);
        await NextAsync(rows, cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) ReadPart(group.Stream, rows);
    }

    /// <summary>Reads a producer that was not named in advance.</summary>
    public static async Task ProducerAsync(Round round, StreamRow stream, string name, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.CreateBatch();
        batch.BatchCommands.Add(round.Sql.Command($"SELECT p.stream, {ProducerColumns} FROM ~producer p WHERE p.stream = $1 "
            + "AND p.name = $2").With(stream.Id).With(name));
        await using NpgsqlDataReader rows = await round.ExecuteAsync(batch, cancellation).ConfigureAwait(false);
        if (await rows.ReadAsync(cancellation).ConfigureAwait(false)) AddProducer(stream, rows);
        stream.KnownProducers.Add(name);
    }

    private static async Task NextAsync(NpgsqlDataReader rows, CancellationToken cancellation)
        => await rows.NextResultAsync(cancellation).ConfigureAwait(false);
}
