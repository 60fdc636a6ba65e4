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

    /// <summary>Adds the statements that trim some partitions, after everything else of a round.</summary>
    public static void Add(IReadOnlyCollection<(long Stream, int Partition)> partitions, Func<string, NpgsqlBatchCommand> add)
    {
        long[] streams = [.. partitions.Select(one => one.Stream)];
        int[] numbers = [.. partitions.Select(one => one.Partition)];
        add("WITH k AS (SELECT p.stream, p.n, " + Passed + " AS passed FROM unnest($1::bigint[], $2::int[]) t(stream, n) JOIN ~part p "
            + "ON p.stream = t.stream AND p.n = t.n JOIN ~stream s ON s.id = p.stream), "
            + "u AS (UPDATE ~part p SET trimmed = k.passed, trimmed_bytes = COALESCE((SELECT c.before FROM ~chunk c "
            + "WHERE c.stream = p.stream AND c.part = p.n AND c.last > k.passed ORDER BY c.first LIMIT 1), p.bytes) "
            + "FROM k WHERE p.stream = k.stream AND p.n = k.n AND p.trimmed < k.passed RETURNING p.stream, p.n, k.passed) "
            + "DELETE FROM ~chunk c USING u WHERE c.stream = u.stream AND c.part = u.n AND c.first <= u.passed AND c.last <= u.passed")
            .With(streams).With(numbers);
    }

    /// <summary>The statements that trim all partitions of a stream. Run before and after a consumer is removed.</summary>
    public static NpgsqlBatchCommand[] All(Sql sql, StreamRow stream)
    {
        List<NpgsqlBatchCommand> commands = [];
        Add([.. Enumerable.Range(0, stream.Options.Partitions).Select(number => (stream.Id, number))], text =>
        {
            commands.Add(sql.Command(text));
            return commands[^1];
        });
        return [.. commands];
    }
}
