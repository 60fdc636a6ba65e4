namespace Sluice.PostgreSql;

/// <summary>Reads everything of a stream, and says what is damaged.</summary>
internal static class CheckCalls
{
    public static async Task<long> StreamAsync(Round round, StreamRow stream, List<string> problems)
    {
        List<(int Number, long Tail, long Passed)> parts = [];
        await round.ReadAsync([round.Sql.Command($"SELECT p.n, p.tail, {Trimming.Passed} FROM ~part p JOIN ~stream s ON s.id = p.stream "
            + "WHERE p.stream = $1 ORDER BY p.n").With(stream.Id)],
            (_, row) => parts.Add((row.GetInt32(0), row.GetInt64(1), row.GetInt64(2)))).ConfigureAwait(false);
        if (parts.Count != stream.Options.Partitions)
            problems.Add($"{stream.Name} has {stream.Options.Partitions} partitions, but {parts.Count} of them are in the store.");
        long entries = 0;
        foreach ((int number, long tail, long passed) in parts)
        {
            PartRow part = await round.PartAsync(stream, number).ConfigureAwait(false);
            long next = passed + 1;
            while (next <= tail)
            {
                List<StoredChunk> chunks = [];
                await round.ReadAsync([Entries.Blocks(round.Sql, part, next, long.MaxValue, 1 << 20)],
                    (_, row) => chunks.Add(Entries.ReadBlock(round, part, row))).ConfigureAwait(false);
                foreach (StoredChunk chunk in chunks)
                {
                    if (chunk.Mark.First > next) problems.Add(Missing(part, next, chunk.Mark.First - 1));
                    for (long sequence = Math.Max(next, chunk.Mark.First); sequence <= chunk.Mark.Last; sequence++, entries++)
                        if (chunk.Read(sequence).Damage is { } damage) problems.Add(damage);
                    next = chunk.Mark.Last + 1;
                }
                if (chunks.Count > 0) continue;
                problems.Add(Missing(part, next, tail));
                next = tail + 1;
            }
        }
        foreach (GroupRow group in stream.Groups.Values)
            entries += await GroupAsync(round, group, problems).ConfigureAwait(false);
        return entries;
    }

    private static async Task<long> GroupAsync(Round round, GroupRow group, List<string> problems)
    {
        long entries = 0;
        await round.ReadAsync([round.Sql.Command("SELECT part, seq, body FROM ~waiting WHERE grp = $1 ORDER BY part, seq")
            .With(group.Id)],
            (_, row) =>
            {
                entries++;
                if (Stored.TryRead(row.Bytes(2), row.GetInt64(1), group.Stream.Name, row.GetInt32(0)).Damage is { } damage)
                    problems.Add(damage);
            }).ConfigureAwait(false);
        await round.ReadAsync([
            round.Sql.Command("SELECT o.part, o.rows, count(w.seq) FROM ~owned o LEFT JOIN ~waiting w ON w.grp = o.grp "
                + "AND w.part = o.part WHERE o.grp = $1 GROUP BY o.part, o.rows HAVING o.rows <> count(w.seq)").With(group.Id),
            round.Sql.Command("SELECT g.dead, count(d.number) FROM ~grp g LEFT JOIN ~dead d ON d.grp = g.id WHERE g.id = $1 "
                + "GROUP BY g.dead HAVING g.dead <> count(d.number)").With(group.Id)],
            (query, row) => problems.Add(query == 0
                ? $"{group.Group}/{row.GetInt32(0)} has {row.GetInt64(2)} waiting entries, but its mark says {row.GetInt32(1)}."
                : $"{group.Group} has {row.GetInt64(1)} dead letters, but its mark says {row.GetInt64(0)}.")).ConfigureAwait(false);
        return entries;
    }

    private static string Missing(PartRow part, long first, long last)
        => Stored.EntryMissing(part.Stream.Name, part.Number, first,
        first == last ? "it is not in the store" : $"the entries {first} to {last} are not in the store").Message;
}
