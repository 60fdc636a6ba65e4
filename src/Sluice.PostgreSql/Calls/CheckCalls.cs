namespace Sluice.PostgreSql;

/// <summary>
/// Reads everything of a stream, and says what is damaged. Each page is a transaction of its own: a long check holds back no vacuum.
/// </summary>
internal static class CheckCalls
{
    private const int MaxRows = 500;
    private const long MaxBytes = 8 << 20;

    /// <summary>What is to be checked of a stream, and what is wrong with its marks; null if it is gone.</summary>
    public static async ValueTask<CheckPlan?> PlanAsync(Round round, string name)
    {
        if (round.FindStream(name) is not { } stream) return null;
        var plan = new CheckPlan([], [.. stream.Groups.Values.Select(static group => group.Group)], []);
        await round.ReadAsync([
            round.Sql.Command($"SELECT p.n, p.tail, {Trimming.Passed} FROM ~part p JOIN ~stream s ON s.id = p.stream "
                + "WHERE p.stream = $1 ORDER BY p.n").With(stream.Id),
            .. stream.Groups.Values.SelectMany(group => Counts(round, group))],
            (query, row) =>
            {
                if (query == 0) plan.Parts.Add((row.GetInt32(0), row.GetInt64(1), row.GetInt64(2)));
                else plan.Problems.Add(query % 2 == 1
                    ? $"{row.GetString(3)}/{row.GetInt32(0)} has {row.GetInt64(2)} waiting entries, but its mark says {row.GetInt32(1)}."
                    : $"{row.GetString(2)} has {row.GetInt64(1)} dead letters, but its mark says {row.GetInt64(0)}.");
            }).ConfigureAwait(false);
        if (plan.Parts.Count != stream.Options.Partitions)
            plan.Problems.Add($"{name} has {stream.Options.Partitions} partitions, but {plan.Parts.Count} of them are in the store.");
        return plan;
    }

    /// <summary>Checks some entries of a partition, up to its end.</summary>
    public static async ValueTask<CheckPage> PartAsync(Round round, string name, int number, long from, long tail)
    {
        if (round.FindStream(name) is not { } stream) return new(tail + 1, 0, 0, []);
        PartRow part = await round.PartAsync(stream, number).ConfigureAwait(false);
        (long next, long entries, List<string> problems) = (from, 0, []);
        List<StoredChunk> chunks = [];
        await round.ReadAsync([
            round.Sql.Command($"SELECT {Trimming.Passed} FROM ~part p JOIN ~stream s ON s.id = p.stream WHERE p.stream = $1 AND p.n = $2")
                .With(stream.Id).With(number),
            Entries.BlocksFromPassed(round.Sql, part, from, long.MaxValue, MaxBytes)],
            (query, row) =>
            {
                if (query == 0) next = Math.Max(from, row.GetInt64(0) + 1);
                else chunks.Add(Entries.ReadBlock(round, part, row));
            }).ConfigureAwait(false);
        foreach (StoredChunk chunk in chunks)
        {
            if (chunk.Mark.First > next) problems.Add(Missing(part, next, chunk.Mark.First - 1));
            for (long sequence = Math.Max(next, chunk.Mark.First); sequence <= chunk.Mark.Last; sequence++, entries++)
                if (chunk.Read(sequence).Damage is { } damage) problems.Add(damage);
            next = chunk.Mark.Last + 1;
        }
        if (chunks.Count > 0 || next > tail) return new(next, 0, entries, problems);
        problems.Add(Missing(part, next, tail));
        return new(tail + 1, 0, entries, problems);
    }

    /// <summary>Checks some waiting entries of a group, behind a partition and sequence.</summary>
    public static async ValueTask<CheckPage?> WaitingAsync(Round round, GroupId id, int partition, long after)
    {
        if (round.FindGroup(id) is not { } group) return null;
        CheckPage page = new(after, partition, 0, []);
        await round.ReadAsync([round.Sql.Command("SELECT part, seq, body FROM ~waiting WHERE grp = $1 AND (part, seq) > ($2, $3) "
            + "ORDER BY part, seq LIMIT $4").With(group.Id).With(partition).With(after).With(MaxRows)],
            (_, row) =>
            {
                page = page with { Partition = row.GetInt32(0), Next = row.GetInt64(1), Entries = page.Entries + 1 };
                if (Stored.TryRead(row.Bytes(2), row.GetInt64(1), id.Stream, row.GetInt32(0)).Damage is { } damage)
                    page.Problems.Add(damage);
            }).ConfigureAwait(false);
        return page.Entries > 0 ? page : null;
    }

    /// <summary>Checks some dead letters of a group, behind a number.</summary>
    public static async ValueTask<CheckPage?> LettersAsync(Round round, GroupId id, long after)
    {
        if (round.FindGroup(id) is not { } group) return null;
        List<string> problems = [];
        (int count, long last) = await LetterCalls.CheckAsync(round, group, after, MaxRows, problems).ConfigureAwait(false);
        return count > 0 ? new(last, 0, 0, problems) : null;
    }

    private static NpgsqlBatchCommand[] Counts(Round round, GroupRow group) => [
        round.Sql.Command("SELECT o.part, o.rows, count(w.seq), $2::text FROM ~owned o LEFT JOIN ~waiting w ON w.grp = o.grp "
            + "AND w.part = o.part WHERE o.grp = $1 GROUP BY o.part, o.rows HAVING o.rows <> count(w.seq)").With(group.Id)
            .With($"{group.Group}"),
        round.Sql.Command("SELECT g.dead, count(d.number), $2::text FROM ~grp g LEFT JOIN ~dead d ON d.grp = g.id WHERE g.id = $1 "
            + "GROUP BY g.dead HAVING g.dead <> count(d.number)").With(group.Id).With($"{group.Group}")];

    private static string Missing(PartRow part, long first, long last)
        => Stored.EntryMissing(part.Stream.Name, part.Number, first,
        first == last ? "it is not in the store" : $"the entries {first} to {last} are not in the store").Message;
}

/// <summary>What is to be checked of a stream: its partitions with their ends and trim marks, and its groups.</summary>
internal sealed record CheckPlan(List<(int Number, long Tail, long Passed)> Parts, List<GroupId> Groups, List<string> Problems);

/// <summary>What a page of a check has found, and where the next one begins.</summary>
internal sealed record CheckPage(long Next, int Partition, long Entries, List<string> Problems);
