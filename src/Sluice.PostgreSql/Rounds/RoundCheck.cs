namespace Sluice.PostgreSql;

/// <summary>
/// Begins a round that knows its rows, in the same round trip as the first statements of the round. It locks the streams, and fails the
/// transaction if they are not as the round knows them: then the statements behind it do nothing.
/// </summary>
/// <remarks>It also fails if the intake has rows: those are accepted, and come before what the round appends.</remarks>
internal sealed class RoundCheck(Round round, bool isDivisible)
{
    // The text that fails has a column, because the server would compute a constant in advance.
    private const string Text = "WITH l AS MATERIALIZED (SELECT id, stamp FROM ~stream WHERE id = ANY($1) ORDER BY id FOR UPDATE) "
        + "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_current_snapshot()::text, CASE WHEN (SELECT count(*) "
        + "FROM unnest($1, $2) k(id, stamp) JOIN l ON l.id = k.id AND l.stamp = k.stamp) = cardinality($1) AND m.generation = $3 "
        + "AND m.store = $4 AND m.version = $5 AND NOT pg_is_in_recovery() AND NOT EXISTS (";
    private const string Mark = "harmless: Sluice reads again what another process has written";
    private const string Else = $") THEN true ELSE ('{Mark}; store ' "
        + "|| COALESCE(m.store, ''))::boolean END FROM (SELECT) o LEFT JOIN ~meta m ON true";

    // As the other ones, for one stream without earlier transactions that are open: most rounds have one.
    private const string One = "WITH l AS MATERIALIZED (SELECT stamp FROM ~stream WHERE id = $1 FOR UPDATE) "
        + "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, pg_current_snapshot()::text, "
        + "CASE WHEN (SELECT stamp FROM l) = $2 AND m.generation = $3 AND m.store = $4 AND m.version = $5 AND NOT pg_is_in_recovery() "
        + "AND NOT EXISTS (SELECT FROM ~intake i WHERE i.stream = $1 AND i.xid >= $6 AND NOT i.damaged" + Else;

    private static readonly string Check = Text + IntakeRows.Any(6) + Else;
    private static readonly string CheckWithOpen = Text + IntakeRows.AnyWithOpen(6) + Else;

    // As they are before the round changes anything.
    private readonly StreamRow[] streams = [.. round.Streams];
    private readonly long[] stamps = [.. round.Streams.Select(static stream => stream.Stamp)];

    /// <summary>Whether the server has confirmed what is known.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Whether it was sent: only the first batch of a round has it.</summary>
    public bool IsSent { get; private set; }

    /// <summary>Whether a failure is the one that it makes: then the round is repeated, and reads its rows.</summary>
    public static bool Explains(Exception failure)
        => failure is PostgresException { SqlState: PostgresErrorCodes.InvalidTextRepresentation } refused
            && refused.MessageText.Contains(Mark, StringComparison.Ordinal);

    public void AddTo(NpgsqlBatch batch)
    {
        batch.BatchCommands.Add(new(Sql.Begin));
        if (isDivisible) batch.BatchCommands.Add(new(RoundLoader.LockTimeout));
        batch.BatchCommands.Add(new(round.Sql.FrozenWithPlans));
        batch.BatchCommands.Add(streams is [var stream] && round.IntakeMarks.Of(stream.Name) is (var from, []) ? CheckOne(from)
            : CheckAll());
        IsSent = true;
    }

    private NpgsqlBatchCommand CheckOne(long from) => round.Sql.Command(One).With(streams[0].Id).With(stamps[0])
        .With(round.Generation).With(round.StoreId).With(round.Version).With(from);

    private NpgsqlBatchCommand CheckAll() => IntakeRows.Of(round, Array.ConvertAll(streams, static stream => stream.Name), Check,
        CheckWithOpen, command => command.With(Array.ConvertAll(streams, static stream => stream.Id)).With(stamps)
            .With(round.Generation).With(round.StoreId).With(round.Version));

    /// <summary>Reads its answer, and goes on to the first result behind it.</summary>
    public async Task ReadAsync(NpgsqlDataReader rows, CancellationToken cancellation)
    {
        await rows.NextResultAsync(cancellation).ConfigureAwait(false);
        await rows.ReadAsync(cancellation).ConfigureAwait(false);
        round.NoteTime(rows.GetInt64(0));
        IsAnswered = true;
        round.Intake = new(Array.ConvertAll(streams, static stream => stream.Name), rows.GetString(1), [], HasMore: false);
        await rows.NextResultAsync(cancellation).ConfigureAwait(false);
    }
}
