using static System.FormattableString;

namespace Sluice.PostgreSql;

/// <summary>One send in a sender's own transaction that has committed.</summary>
internal sealed record IntakeRow(long Stream, long Transaction, long Id, int Items, byte[] Body)
{
    /// <summary>The idempotency key; null if it has none.</summary>
    public string? Key { get; init; }
    public byte[] Fingerprint { get; init; } = [];

    /// <summary>How long the key is remembered, in ticks.</summary>
    public long Keep { get; init; }

    /// <summary>Why its entries cannot be told from each other; null if they can.</summary>
    public string? Damage { get; set; }
}

/// <summary>Rows of the intake that a round has read, in the order in which they were sent.</summary>
/// <param name="Streams">The streams that were looked at.</param>
/// <param name="Snapshot">The transactions that were running, in PostgreSQL's words.</param>
/// <param name="Rows">The rows.</param>
/// <param name="HasMore">Whether more rows are there than one round takes.</param>
internal sealed record IntakeRows(string[] Streams, string? Snapshot, List<IntakeRow> Rows, bool HasMore)
{
    private const int MaxRows = 1000, MaxBytes = 8 << 20;

    private const string Columns = "i.stream, i.xid, i.id, i.bytes, i.items, i.key, i.print, i.keep, i.body FROM ~intake i";
    private const string Each = "AND NOT i.damaged OFFSET 0", First = "AND NOT i.damaged ORDER BY i.stream, i.xid, i.id LIMIT 1";

    // Each stream's rows are a subquery of their own, so that the server looks them up by its index, from the mark on. In a plain join, it
    // would begin with the intake, because that is empty whenever it is analyzed, and pass over all of its dead rows in each round.
    private static string From(string limit, int parameter = 1)
        => Invariant($"SELECT i.* FROM unnest(${parameter}::text[], ${parameter + 1}::bigint[]) n(name, low) ")
            + $"JOIN ~stream s ON s.name = n.name CROSS JOIN LATERAL (SELECT {Columns} WHERE i.stream = s.id AND i.xid >= n.low {limit}) i";

    private static string Open(string limit, int parameter = 3)
        => Invariant($" UNION ALL SELECT i.* FROM unnest(${parameter}::text[], ${parameter + 1}::bigint[]) n(name, xid) ")
            + $"JOIN ~stream s ON s.name = n.name CROSS JOIN LATERAL (SELECT {Columns} WHERE i.stream = s.id AND i.xid = n.xid {limit}) i";

    /// <summary>A query with a row if rows have committed; its parameters begin at the given one (<see cref="Of"/>).</summary>
    public static string Any(int parameter) => From(First, parameter);

    /// <summary>As <see cref="Any"/>, also for earlier transactions that had not ended at the last look.</summary>
    public static string AnyWithOpen(int parameter)
        => $"SELECT * FROM ({From(First, parameter)}) a{Open(First, parameter + 2)}";

    public static IntakeRows None { get; } = new([], null, [], false);

    // Nothing is joined with the rows: a server that takes the intake for empty would compare each row with each. So the bodies go through
    // the sort, most of them as TOAST pointers; it keeps the first rows only.
    private static string Text(string from)
        => "SELECT c.snapshot, k.total, k.stream, k.xid, k.id, k.items, k.key, k.print, k.keep, k.body FROM "
        + "(SELECT pg_current_snapshot()::text AS snapshot) c LEFT JOIN (SELECT a.*, "
        + "sum(a.bytes) OVER (ORDER BY a.id) - a.bytes AS before, "
        + Invariant($"count(*) OVER () AS total FROM ({from} ORDER BY id LIMIT {MaxRows + 1}) a) k ON k.before < {MaxBytes} ORDER BY k.id");

    private static readonly string All = Text(From(Each)), AllWithOpen = Text(From(Each) + Open(Each));

    private static readonly string Look = LookText(Any(1)), LookWithOpen = LookText(AnyWithOpen(1));

    private static string LookText(string from)
        => $"{RoundLoader.Clock}, pg_current_snapshot()::text, EXISTS ({from}) FROM ~meta";

    /// <summary>
    /// The query for the clock, with the snapshot, and whether the intake has rows of locked streams. It sees what had committed when the
    /// locks were given. It does not read the rows: that takes longer than everything else that a round reads, and most rounds have none.
    /// </summary>
    public static NpgsqlBatchCommand LookFor(Round round, string[] streams) => Of(round, streams, Look, LookWithOpen);

    /// <summary>Reads the rows of locked streams.</summary>
    public static async Task<IntakeRows> ReadAsync(Round round, string[] streams, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        batch.BatchCommands.Add(new(Sql.ByIndexes));
        batch.BatchCommands.Add(Of(round, streams, All, AllWithOpen));
        batch.BatchCommands.Add(new(Sql.ByStatistics));
        await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        List<IntakeRow> rows = [];
        string? snapshot = null;
        long total = 0;
        while (await row.ReadAsync(cancellation).ConfigureAwait(false))
        {
            snapshot = row.GetString(0);
            if (row.IsDBNull(1)) break;
            total = row.GetInt64(1);
            rows.Add(new(row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt32(5), row.Bytes(9))
            {
                Key = row.TextOrNull(6),
                Fingerprint = row.IsDBNull(7) ? [] : row.Bytes(7),
                Keep = row.LongOrNull(8) ?? 0,
            });
        }
        bool hasMore = rows.Count < total || rows.Count > MaxRows;
        if (rows.Count > MaxRows) rows.RemoveAt(MaxRows);
        return new(streams, snapshot, rows, hasMore);
    }

    /// <summary>Makes a command of a text with <see cref="Any"/>, or of one with <see cref="AnyWithOpen"/>.</summary>
    /// <param name="round">The round.</param>
    /// <param name="streams">The streams to look at.</param>
    /// <param name="text">The text if no earlier transaction is open.</param>
    /// <param name="textWithOpen">The text if some are.</param>
    /// <param name="first">Adds the parameters before those of the look.</param>
    public static NpgsqlBatchCommand Of(Round round, string[] streams, string text, string textWithOpen,
        Action<NpgsqlBatchCommand>? first = null)
    {
        (string Stream, (long From, long[] Open) Mark)[] all = [.. streams.Select(stream => (stream, round.IntakeMarks.Of(stream)))];
        (string Stream, long Transaction)[] open = [.. all.SelectMany(static one => one.Mark.Open.Select(each => (one.Stream, each)))];
        NpgsqlBatchCommand command = round.Sql.Command(open.Length == 0 ? text : textWithOpen);
        first?.Invoke(command);
        command.With(streams).With(all.Select(static one => one.Mark.From).ToArray());
        return open.Length == 0 ? command
            : command.With(open.Select(static one => one.Stream).ToArray()).With(open.Select(static one => one.Transaction).ToArray());
    }

    // The places of the rows, each found by the primary key. A join could compare each row of the intake with each key, if the statistics
    // say that the intake is empty.
    private const string Same = "ctid = ANY(ARRAY(SELECT j.ctid FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) k(stream, xid, id) "
        + "CROSS JOIN LATERAL (SELECT i.ctid FROM ~intake i WHERE i.stream = k.stream AND i.xid = k.xid AND i.id = k.id OFFSET 0) j))";

    /// <summary>Adds the statement that removes rows whose entries are appended, and marks those that cannot be read.</summary>
    public static void Remove(Round round, Func<string, NpgsqlBatchCommand> add)
    {
        if (round.Rows.Intake.Count == 0) return;
        add(Sql.ByIndexes);
        foreach (IGrouping<bool, IntakeRow> some in round.Rows.Intake.GroupBy(static row => row.Damage is not null))
        {
            IntakeRow[] rows = [.. some];
            add(some.Key ? $"UPDATE ~intake SET damaged = true WHERE {Same}" : $"DELETE FROM ~intake WHERE {Same}")
                .With(RowWriter.Of(rows, row => row.Stream)).With(RowWriter.Of(rows, row => row.Transaction))
                .With(RowWriter.Of(rows, row => row.Id));
        }
        add(Sql.ByStatistics);
        round.Rows.Intake.Clear();
    }
}
