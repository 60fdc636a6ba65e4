namespace Sluice.Sqlite;

/// <summary>Calls about dead letters and waiting entries.</summary>
internal static class LetterCalls
{
    private const string Columns = "SELECT number, part, root, attempts, died, node, path, error, blob FROM sluice_dead WHERE grp = ? ";

    /// <summary>Lists outstanding entries by sequence, including those in flight for the first time.</summary>
    public static IReadOnlyList<WaitingEntry> ListWaiting(StoredPartition partition, long? after, int max)
    {
        List<WaitingEntry> rows = StoredRows.List(partition, withPayload: true, after ?? long.MinValue, max);
        IEnumerable<WaitingEntry> first = partition.FirstTimers(after ?? -1).Take(max)
            .Select(sequence => new WaitingEntry(partition.Log.Read(sequence), WaitingStatus.InFlight, 0, null, "", ""));
        return [.. rows.Concat(first).OrderBy(entry => entry.Entry.Sequence).Take(max)];
    }

    /// <summary>Lists letters by number. A letter that is damaged itself has no payload: what it says of its failure is whole.</summary>
    public static IReadOnlyList<StoredDeadLetter> ListDead(StoredGroup group, string? node, long after, int max)
    {
        List<StoredDeadLetter> letters = [];
        node = node?.Storable();
        Statement rows = group.Session.Sql(Columns + "AND number > ? AND (? IS NULL OR node = ?) ORDER BY number LIMIT ?")
            .Put(group.Id).Put(after).Put(node).Put(node).Put(max);
        while (rows.Next())
            letters.Add(StoredEntry(rows, group) is { } entry ? Show(rows, entry)
                : Show(rows, new() { Sequence = rows.Long(2) }) with { IsUnreadable = true });
        return letters;
    }

    public static int Redrive(StoredGroup group, IReadOnlyList<long> numbers)
    {
        // All letters are read first: a damaged letter fails the call before any change.
        List<StoredDeadLetter> letters = [.. numbers.Distinct().Select(number => Find(group, number)).OfType<StoredDeadLetter>()];
        foreach (StoredDeadLetter letter in letters)
        {
            CommitCalls.AddOwn(group.Partitions[letter.Partition].Sound(), letter.Entry with { Generation = group.Session.Generation });
            Delete(group, letter.Number);
        }
        if (letters.Count > 0) group.Session.Changed(group.Stream.Name);
        return letters.Count;
    }

    public static int Delete(StoredGroup group, IReadOnlyList<long> numbers)
    {
        group.Session.Write();
        int deleted = 0;
        foreach (long number in numbers) deleted += Delete(group, number);
        return deleted;
    }

    private static int Delete(StoredGroup group, long number)
    {
        group.Session.Sql("DELETE FROM sluice_dead WHERE grp = ? AND number = ?").Put(group.Id).Put(number).Run();
        int deleted = group.Session.Database.Changes;
        group.AddLetters(-deleted);
        return deleted;
    }

    private static StoredDeadLetter? Find(StoredGroup group, long number)
    {
        Statement row = group.Session.Sql(Columns + "AND number = ?").Put(group.Id).Put(number);
        if (!row.Next()) return null;
        StoredDeadLetter? letter = StoredEntry(row, group) is { } entry ? Show(row, entry) : null;
        row.Reset();
        return letter ?? throw new StreamStoreException($"The dead letter {number} of {group.Stream.Name}:{group.Name} is damaged: its entry "
            + "does not match its checksum. Restore the store from a backup, or delete the letter. Nothing was redriven.")
        { Stream = group.Stream.Name, IsPermanent = true };
    }

    private static StoredDeadLetter Show(Statement row, in Entry entry) => new(
        row.Long(0), row.Int(1), row.Long(2), entry, row.Text(5), row.Text(6), row.Text(7), row.Int(3), new(row.Long(4), TimeSpan.Zero));

    /// <summary>The entry of a letter; null if it is damaged.</summary>
    private static Entry? StoredEntry(Statement row, StoredGroup group)
    {
        try
        {
            return RowBlob.Read(row.Bytes(8), row.Long(2), group.Stream.Name, row.Int(1));
        }
        catch (StreamStoreException)
        {
            return null;
        }
    }
}
