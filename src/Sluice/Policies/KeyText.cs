namespace Sluice.Policies;

/// <summary>Converts keys to text that is the same in every process and unique within the type. State is stored under it.</summary>
internal static class KeyText
{
    /// <exception cref="InvalidOperationException">The key is null, or its type has no text that is the same in every process.</exception>
    public static string Of<TKey>(TKey key) => key switch
    {
        null => throw new InvalidOperationException("The key is null: there is no state for it."),
        string text => text,
        char or bool or Guid => key.ToString()!,
        Enum value => value.ToString("D"),
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
        DateOnly day => day.ToString("O", CultureInfo.InvariantCulture),
        TimeOnly time => time.ToString("O", CultureInfo.InvariantCulture),
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        sbyte or byte or short or ushort or int or uint or long or ulong or Int128 or UInt128
            => ((IFormattable)key).ToString(null, CultureInfo.InvariantCulture),
        decimal number => (number / 1.000000000000000000000000000000000m).ToString(CultureInfo.InvariantCulture), // 1.0 and 1.00 are equal
        ITuple tuple => OfTuple(tuple),
        _ => throw new InvalidOperationException(
            $"State cannot be kept by a {TypeNames.Of(typeof(TKey))}: there is no text for it that is the same in every process. "
                + $"Make the key a text, a number, a time, an id, an enum, or a tuple of such."),
    };

    // Each part has its length before it, so that no two tuples have the same text.
    private static string OfTuple(ITuple tuple)
    {
        var parts = new string[tuple.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            string part = Of(tuple[i]);
            parts[i] = string.Create(CultureInfo.InvariantCulture, $"{part.Length}:{part}");
        }
        return string.Concat(parts);
    }
}
