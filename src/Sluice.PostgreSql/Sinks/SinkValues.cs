namespace Sluice.PostgreSql;

/// <summary>The values of a row: validated and converted before they reach a transaction that other callers share.</summary>
internal static class SinkValues
{
    private const string Kept = "null, booleans, numbers, texts, bytes, Guid, DateTime (UTC, or of no zone), DateTimeOffset, DateOnly, "
        + "TimeOnly, TimeSpan, and arrays of booleans, numbers, texts, Guid and DateOnly";

    /// <exception cref="ArgumentException">PostgreSQL cannot store one of the values.</exception>
    public static object?[] Prepare(ReadOnlySpan<object?> values)
    {
        var prepared = new object?[values.Length];
        for (int i = 0; i < values.Length; i++) prepared[i] = Prepare(values[i], i + 1);
        return prepared;
    }

    private static object? Prepare(object? value, int number) => value switch
    {
        null or bool or short or int or long or float or double or decimal or Guid or DateOnly or TimeOnly or TimeSpan or byte[] => value,
        string text => Checked(text, number),
        byte or sbyte => Convert.ToInt16(value, CultureInfo.InvariantCulture),
        ushort small => (int)small,
        uint middle => (long)middle,
        ulong large => (decimal)large,
        ReadOnlyMemory<byte> bytes => bytes.ToArray(),
        DateTimeOffset time => time.ToUniversalTime(),
        DateTime { Kind: not DateTimeKind.Local } => value,
        DateTime => throw Refused(number, "is a local time, which means another time on another machine. Use ToUniversalTime"),
        bool[] or short[] or int[] or long[] or float[] or double[] or decimal[] or Guid[] or DateOnly[] => value,
        string[] texts => Array.ConvertAll(texts, text => text is null ? null! : Checked(text, number)),
        _ => throw Refused(number, $"is a {TypeNames.Of(value.GetType())}: rows have {Kept}. Convert it first"),
    };

    // PostgreSQL keeps neither zero characters nor halves of surrogate pairs, and the client would fail the whole transaction for them.
    private static string Checked(string text, int number)
    {
        int at = text.IndexOf('\0', StringComparison.Ordinal);
        if (at < 0) at = FirstHalf(text);
        return at < 0 ? text : throw Refused(number, string.Create(CultureInfo.InvariantCulture,
            $"is a text with the character U+{(int)text[at]:X4} at {at}, which PostgreSQL cannot store"));
    }

    private static int FirstHalf(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return i;
            i++;
        }
        return -1;
    }

    private static ArgumentException Refused(int number, string why)
        => new(string.Create(CultureInfo.InvariantCulture, $"Value {number} of a row {why}."));
}
