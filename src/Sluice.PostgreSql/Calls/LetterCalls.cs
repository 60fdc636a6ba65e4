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
            (_, row) => letters.Add(Read(row, group).Letter)).ConfigureAwait(false);
        return letters;
    }

    /// <summary>Redrives letters, some megabytes at a time.</summary>
    /// <exception cref="StreamStoreException">A letter is damaged: nothing is redriven.</exception>
    public static async Task<int> RedriveAsync(Round round, GroupRow group, IReadOnlyList<long> numbers)
    {
        Dictionary<long, int> sizes = [];
        await round.SaveAsync().ConfigureAwait(false);
        await round.ReadAsync([round.Sql.Command("SELECT number, octet_length(body) FROM ~dead WHERE grp = $1 AND number = ANY($2)")
            .With(group.Id).With(numbers.ToArray())], (_, row) => sizes.Add(row.GetInt64(0), row.GetInt32(1))).ConfigureAwait(false);
        int redriven = 0;
        foreach (long[] some in RowWriter.Portions(numbers.Distinct().Where(sizes.ContainsKey), number => sizes[number]))
            redriven += await RedriveSomeAsync(round, group, some).ConfigureAwait(false);
        if (redriven > 0) round.Changes.Add(group.Stream.Name);
        return redriven;
    }

    private static async Task<int> RedriveSomeAsync(Round round, GroupRow group, long[] numbers)
    {
        Dictionary<long, StoredDeadLetter> letters = [];
        string? damage = null;
        await round.ReadAsync([round.Sql.Command($"SELECT {Columns} FROM ~dead WHERE grp = $1 AND number = ANY($2)").With(group.Id)
            .With(numbers)],
            (_, row) =>
            {
                (StoredDeadLetter letter, string? found) = Read(row, group);
                letters.Add(letter.Number, letter);
                damage ??= found;
            }).ConfigureAwait(false);
        if (damage is not null) throw new StreamStoreException($"{damage} Nothing was redriven.")
        { Stream = group.Stream.Name, IsPermanent = true };
        foreach (StoredDeadLetter letter in numbers.Select(number => letters[number]))
        {
            OwnedRow owned = await round.OwnedAsync(group, letter.Partition).ConfigureAwait(false);
            Entry entry = letter.Entry with { Sequence = owned.LastOwn - 1 };
            WaitingCalls.AddOwn(round, owned, Stored.Block(entry, round.Generation), entry.Headers.Length + entry.Payload.Length);
        }
        await DeleteAsync(round, group, numbers).ConfigureAwait(false);
        round.Rows.Waiting.Clear();
        return numbers.Length;
    }

    /// <summary>Reads the letters behind a number, and says which are damaged.</summary>
    /// <returns>How many were read, and the last number.</returns>
    public static async Task<(int Count, long Last)> CheckAsync(Round round, GroupRow group, long after, int max, List<string> problems)
    {
        (int count, long last) = (0, after);
        await round.ReadAsync([round.Sql.Command($"SELECT {Columns} FROM ~dead WHERE grp = $1 AND number > $2 ORDER BY number LIMIT $3")
            .With(group.Id).With(after).With(max)],
            (_, row) =>
            {
                (count, last) = (count + 1, row.GetInt64(0));
                if (Read(row, group).Damage is { } damage) problems.Add(damage);
            }).ConfigureAwait(false);
        return (count, last);
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
    private static (StoredDeadLetter Letter, string? Damage) Read(NpgsqlDataReader row, GroupRow group)
    {
        (long number, int partition, long root) = (row.GetInt64(0), row.GetInt32(1), row.GetInt64(2));
        (Entry entry, string? damage) = Stored.TryRead(row.Bytes(8), root, group.Stream.Name, partition);
        if (damage is not null)
        {
            entry = new() { Sequence = root };
            damage = $"The dead letter {number} of {group.Group} is damaged: its entry does not match its checksum. Restore the store from "
                + "a backup, or delete the letter.";
        }
        return (new(number, partition, root, entry, row.GetString(5), row.GetString(6), row.GetString(7), row.GetInt32(3),
            new(row.GetInt64(4), TimeSpan.Zero))
        { IsUnreadable = damage is not null }, damage);
    }
}
