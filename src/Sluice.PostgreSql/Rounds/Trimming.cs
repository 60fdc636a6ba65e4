using static System.FormattableString;

namespace Sluice.PostgreSql;

/// <summary>Removes blocks that all consumers have passed: whole ranges from the front of a partition.</summary>
internal static class Trimming
{
    /// <summary>
    /// For a partition <c>p</c> of a stream <c>s</c>: the sequence that all consumers have passed. Entries up to it count as gone, whether
    /// their block is removed yet or not.
    /// </summary>
    public const string Passed = "CASE WHEN s.retention = 1 THEN p.trimmed ELSE GREATEST(p.trimmed, COALESCE((SELECT min(x.m) FROM ("
        + "SELECT min(o.done) AS m FROM ~grp g JOIN ~owned o ON o.grp = g.id AND o.part = p.n WHERE g.stream = p.stream UNION ALL "
        + "SELECT min(c.next) - 1 FROM ~reader r JOIN ~cursor c ON c.reader = r.id AND c.part = p.n WHERE r.stream = p.stream) x), "
        + "p.trimmed)) END";

    /// <summary>The blocks that one statement removes at most, and their bytes: the rest follows in later rounds.</summary>
    public const int MaxBlocks = 500, MaxBytes = 64 << 20;

    // The first block that holds an entry behind the mark, looked for from the mark: removed blocks are never passed.
    private const string First = "c.first >= COALESCE((SELECT d.first FROM ~chunk d WHERE d.stream = p.stream AND d.part = p.n "
        + "AND d.first <= k.passed + 1 AND d.first > p.swept ORDER BY d.first DESC LIMIT 1), p.swept + 1) AND c.last > k.passed";

    private static readonly string Text = "WITH k AS (SELECT p.stream, p.n, p.swept, " + Passed + " AS passed FROM "
        + "unnest($1::bigint[], $2::int[]) t(stream, n) JOIN ~part p ON p.stream = t.stream AND p.n = t.n "
        + "JOIN ~stream s ON s.id = p.stream), "
        + "d AS (SELECT stream, n, first, last FROM (SELECT k.stream, k.n, c.first, c.last, sum(c.bytes) OVER (ORDER BY k.stream, k.n, "
        + "c.first) - c.bytes AS bytes FROM k CROSS JOIN LATERAL (SELECT c.first, c.last, c.bytes FROM ~chunk c WHERE c.stream = k.stream "
        + "AND c.part = k.n AND c.first > k.swept AND c.first <= k.passed AND c.last <= k.passed ORDER BY c.first "
        + Invariant($"LIMIT {MaxBlocks}) c LIMIT {MaxBlocks}) a WHERE a.bytes < {MaxBytes}), ")
        + "u AS (UPDATE ~part p SET trimmed = GREATEST(p.trimmed, k.passed), trimmed_bytes = CASE WHEN p.trimmed >= k.passed "
        + "THEN p.trimmed_bytes ELSE COALESCE((SELECT c.before FROM ~chunk c WHERE c.stream = p.stream AND c.part = p.n AND " + First
        + " ORDER BY c.first LIMIT 1), p.bytes) END, swept = GREATEST(p.swept, COALESCE(e.last, 0)) FROM k LEFT JOIN "
        + "(SELECT stream, n, max(last) AS last FROM d GROUP BY stream, n) e ON e.stream = k.stream AND e.n = k.n "
        + "WHERE p.stream = k.stream AND p.n = k.n AND (p.trimmed < k.passed OR e.last IS NOT NULL)) "
        + "DELETE FROM ~chunk c USING d WHERE c.stream = d.stream AND c.part = d.n AND c.first = d.first "
        + "RETURNING c.stream, c.part, c.last, c.bytes";

    /// <summary>Adds the statement that trims some partitions, after everything else of a round.</summary>
    public static NpgsqlBatchCommand Add(IReadOnlyCollection<(long Stream, int Partition)> partitions, Func<string, NpgsqlBatchCommand> add)
    {
        NpgsqlBatchCommand? command = null;
        Func<string, NpgsqlBatchCommand> note = text => command = add(text);
        note.AddFor(Text, partitions.ToArray()).Each(static one => one.Stream).Each(static one => one.Partition);
        return command!;
    }

    /// <summary>A row of the statement: a block was removed.</summary>
    /// <returns>The bytes of the block.</returns>
    public static long Note(Round round, NpgsqlDataReader row)
    {
        if (round.StreamOf(row.GetInt64(0))?.Parts.GetValueOrDefault(row.GetInt32(1)) is { } part)
            part.Swept = Math.Max(part.Swept, row.GetInt64(2));
        return row.GetInt64(3);
    }

    /// <summary>Whether the statement may have left blocks that could be removed.</summary>
    public static bool HasMore(long blocks, long bytes) => blocks >= MaxBlocks || bytes >= MaxBytes;

    /// <summary>The statement that trims all partitions of a stream. Run before and after a consumer is removed.</summary>
    public static NpgsqlBatchCommand All(Sql sql, StreamRow stream)
        => Add([.. Enumerable.Range(0, stream.Options.Partitions).Select(number => (stream.Id, number))], sql.Command);
}
