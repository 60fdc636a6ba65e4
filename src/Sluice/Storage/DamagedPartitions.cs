namespace Sluice.Storage;

/// <summary>The number of a dead letter, and its partition.</summary>
internal readonly record struct LetterPlace(long Number, int Partition);

/// <summary>The damaged partitions that a redrive of many letters meets. A store refuses a page with a letter of such a partition, so these
/// letters are left out.</summary>
/// <remarks>Not thread-safe. The command line and the dashboard compile this file, too.</remarks>
internal sealed class DamagedPartitions
{
    private readonly SortedSet<int> numbers = [];

    /// <summary>The number of letters that were left out.</summary>
    public int Left { get; private set; }

    /// <summary>The damaged partitions, as a text.</summary>
    public override string ToString() => $"{(numbers.Count == 1 ? "partition" : "partitions")} {string.Join(", ", numbers)}";

    /// <summary>Returns the letters of partitions that are not known to be damaged, and counts the others.</summary>
    public IReadOnlyList<LetterPlace> LeaveOut(IReadOnlyList<LetterPlace> letters)
    {
        LetterPlace[] sound = [.. letters.Where(letter => !numbers.Contains(letter.Partition))];
        Left += letters.Count - sound.Length;
        return sound;
    }

    /// <summary>Notes the partition whose damage has made a store refuse letters.</summary>
    /// <returns>Whether there is one: then the letters of other partitions can be tried again.</returns>
    public bool Note(StreamStoreException failure, IReadOnlyList<LetterPlace> letters)
        => failure is { IsPermanent: true, Partition: { } partition } && letters.Any(letter => letter.Partition == partition)
            && numbers.Add(partition);

    /// <summary>Changes a page of letters, except those of damaged partitions.</summary>
    /// <param name="letters">At most as many as the store changes in one step.</param>
    /// <param name="change">Changes the letters with these numbers, and returns how many there were.</param>
    /// <returns>The number of letters that were changed.</returns>
    public async Task<int> ChangeAsync(IReadOnlyList<LetterPlace> letters, Func<IReadOnlyList<long>, ValueTask<int>> change)
    {
        while (true)
        {
            letters = LeaveOut(letters);
            if (letters.Count == 0) return 0;
            try
            {
                return await change([.. letters.Select(static letter => letter.Number)]).ConfigureAwait(false);
            }
            catch (StreamStoreException e) when (Note(e, letters))
            {
                // The others are tried again.
            }
        }
    }
}
