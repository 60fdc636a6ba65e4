namespace Sluice.Storage;

/// <summary>The permanent, unique id of an entry: the key for effects outside of the store.</summary>
/// <param name="Generation">The generation of the store when it accepted the entry (<see cref="IStreamStore.Generation"/>).</param>
/// <param name="Stream">The stream.</param>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="Sequence">
/// The number in the partition: from one for appended entries; negative for derived and redriven entries, which each group numbers itself.
/// </param>
public readonly record struct EntryId(int Generation, string Stream, int Partition, long Sequence)
{
    /// <summary>Formats the id as stream, partition, sequence and generation; for example <c>payments/3/42@1</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Stream}/{Partition}/{Sequence}@{Generation}");

    /// <summary>Parses an id in the format of <see cref="ToString"/>.</summary>
    /// <returns>Whether the text is an id.</returns>
    public static bool TryParse(string? text, out EntryId id)
    {
        id = default;
        if (text is null) return false;
        int at = text.LastIndexOf('@');
        int second = at < 0 ? -1 : text.LastIndexOf('/', at);
        int first = second <= 0 ? -1 : text.LastIndexOf('/', second - 1);
        if (first <= 0
            || !int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int generation)
            || !int.TryParse(text.AsSpan(first + 1, second - first - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
            || !long.TryParse(text.AsSpan(second + 1, at - second - 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture,
            out long sequence))
            return false;
        id = new(generation, text[..first], partition, sequence);
        return true;
    }
}
