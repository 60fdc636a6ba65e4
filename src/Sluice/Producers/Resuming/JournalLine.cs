namespace Sluice.Producers;

/// <summary>
/// A line of a <see cref="FileJournal"/>: <c>/checksum name</c>; in earlier versions, the name alone. No file name has a slash, so the two
/// cannot be confused.
/// </summary>
/// <param name="Name">The name; null if the line is damaged.</param>
/// <param name="Sum">The checksum of all names up to this one.</param>
/// <param name="HasSum">Whether the line has a checksum.</param>
internal readonly record struct JournalLine(string? Name, uint Sum, bool HasSum)
{
    private const int SumLength = 8;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <param name="line">The line without its end.</param>
    /// <param name="needsSum">Whether an earlier line had a checksum: then this one must have one.</param>
    /// <param name="before">The checksum of the names before.</param>
    public static JournalLine Read(ReadOnlySpan<byte> line, bool needsSum, uint before)
    {
        bool hasSum = line is [(byte)'/', not (byte)'n', ..];
        ReadOnlySpan<byte> written = default;
        if (hasSum)
        {
            if (line.Length < SumLength + 3 || line[SumLength + 1] != ' ') return new(null, 0, true);
            written = line[1..(SumLength + 1)];
            line = line[(SumLength + 2)..];
        }
        else if (needsSum || line.IsEmpty || LooksLikeASum(line))
        {
            return new(null, 0, false);
        }
        uint sum = Next(line, before);
        if (hasSum && !written.SequenceEqual(Encoding.ASCII.GetBytes(Text(sum)))) return new(null, 0, true);
        try
        {
            return new(Strict.GetString(line).Replace("/n", "\n", StringComparison.Ordinal), sum, hasSum);
        }
        catch (DecoderFallbackException)
        {
            return new(null, 0, hasSum);             // names are always written as UTF-8
        }
    }

    /// <param name="name">The name; on Unix it may contain any character except a slash, even a line feed.</param>
    /// <param name="sum">The checksum of the names before; then of this name, too.</param>
    public static string Write(string name, ref uint sum)
    {
        string text = name.Replace("\n", "/n", StringComparison.Ordinal);
        sum = Next(Encoding.UTF8.GetBytes(text), sum);
        return $"/{Text(sum)} {text}";
    }

    private static string Text(uint sum) => sum.ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>
    /// Whether a line without a slash looks like one with a checksum, whose slash was changed. Hardly any file has such a name.
    /// </summary>
    private static bool LooksLikeASum(ReadOnlySpan<byte> line)
        => line.Length > SumLength + 2 && line[SumLength + 1] == ' '
        && uint.TryParse(line[1..(SumLength + 1)], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);

    // Includes a line feed, so that an empty chain and a lost line differ.
    private static uint Next(ReadOnlySpan<byte> name, uint before) => Checksum.Of("\n"u8, Checksum.Of(name, before));
}
