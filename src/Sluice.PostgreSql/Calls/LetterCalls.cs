namespace Sluice.PostgreSql;

/// <summary>Calls about dead letters.</summary>
internal static class LetterCalls
{
    private const string Columns = "number, part, root, attempts, died, node, path, error, body";

    public static async Task<IReadOnlyList<StoredDeadLetter>> ListAsync(Round round, GroupRow group, string? node, long after, int max)
    {
        List<StoredDeadLetter> letters = [];
        await round.ReadAsync([(node is null
            ? round.Sql.Command($"SELECT {Columns} FROM ~dead WHERE grp = $1 AND number > $2 ORDER BY number LIMIT $3")
                .With(group.Id).With(after).With(max)
            : round.Sql.Command($"SELECT {Columns} FROM ~dead WHERE grp = $1 AND number > $2 AND left(node, 300) = left($4, 300) "
                + "AND node = $4 ORDER BY number LIMIT $3").With(group.Id).With(after).With(max).With(node.Storable()))],
            (_, row) => letters.Add(Read(row, group.Stream.Name))).ConfigureAwait(false);
        return letters;
    }

    public static async Task<int> RedriveAsync(Round round, GroupRow group, IReadOnlyList<long> numbers)
    {
        List<StoredDeadLetter> letters = [];
        await round.SaveAsync().ConfigureAwait(false);
        await round.ReadAsync([round.Sql.Command($"SELECT {Columns} FROM ~dead WHERE grp = $1 AND number = ANY($2)").With(group.Id)
            .With(numbers.ToArray())], (_, row) => letters.Add(Read(row, group.Stream.Name))).ConfigureAwait(false);
        if (letters.Count == 0) return 0;
        Dictionary<long, StoredDeadLetter> found = letters.ToDictionary(letter => letter.Number);
        foreach (long number in numbers)
        {
            if (!found.Remove(number, out StoredDeadLetter? letter)) continue;
            OwnedRow owned = await round.OwnedAsync(group, letter.Partition).ConfigureAwait(false);
            Entry entry = letter.Entry with { Sequence = owned.LastOwn - 1 };
            WaitingCalls.AddOwn(round, owned, Stored.Block(entry, round.Generation), entry.Headers.Length + entry.Payload.Length);
        }
        await DeleteAsync(round, group, [.. letters.Select(letter => letter.Number)]).ConfigureAwait(false);
        round.Changes.Add(group.Stream.Name);
        return letters.Count;
    }

    public static async Task<int> DeleteAsync(Round round, GroupRow group, IReadOnlyList<long> numbers)
    {
        await round.SaveAsync().ConfigureAwait(false);
        int deleted = 0;
        await round.ReadAsync([round.Sql.Command("DELETE FROM ~dead WHERE grp = $1 AND number = ANY($2) RETURNING 1").With(group.Id)
            .With(numbers.ToArray())], (_, _) => deleted++).ConfigureAwait(false);
        round.Touched++;
        group.Dead -= deleted;
        group.IsChanged = true;
        return deleted;
    }

    // A letter that is damaged itself is shown without its payload: what it says of its failure is whole.
    private static StoredDeadLetter Read(NpgsqlDataReader row, string stream)
    {
        (int partition, long root) = (row.GetInt32(1), row.GetInt64(2));
        Entry entry = Stored.TryRead(row.Bytes(8), root, stream, partition).Entry;
        return new(row.GetInt64(0), partition, root, entry, row.GetString(5), row.GetString(6), row.GetString(7), row.GetInt32(3),
            new(row.GetInt64(4), TimeSpan.Zero));
    }
}
