namespace Sluice.Policies;

/// <summary>Converts keys to text that is the same in every process and unique within the type. State is stored under it.</summary>
/// <remarks>The text of a <see cref="DateTime"/> has its kind, and the offset of the machine if it is local: times that are equal may have
/// different texts. That cannot change, because state is stored under these texts.</remarks>
internal static class KeyText
{
    private static readonly Type[] covered =
    [
        typeof(string), typeof(char), typeof(bool), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly),
        typeof(TimeOnly), typeof(TimeSpan), typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint),
        typeof(long), typeof(ulong), typeof(Int128), typeof(UInt128), typeof(decimal), typeof(object), typeof(ValueType), typeof(Enum),
    ];

    /// <summary>Returns the reason why keys of a type have no text; null if they have one. Keys of a type that says nothing, such as
    /// <c>object</c>, are looked at one by one.</summary>
    public static string? Why(Type type) => Covers(type) ? null : Refusal(type);

    /// <exception cref="InvalidOperationException">The key is null, or its type has no text that is the same in every process.</exception>
    public static string Of<TKey>(TKey key) => key switch
    {
        null => throw new InvalidOperationException("The key is null: there is no state for it."),
        string text => text,
        char or bool or Guid => key.ToString()!,
        Enum value => Of(Convert.ChangeType(value, value.GetTypeCode(), CultureInfo.InvariantCulture)),
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
        DateOnly day => day.ToString("O", CultureInfo.InvariantCulture),
        TimeOnly time => time.ToString("O", CultureInfo.InvariantCulture),
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        sbyte or byte or short or ushort or int or uint or long or ulong or Int128 or UInt128
            => ((IFormattable)key).ToString(null, CultureInfo.InvariantCulture),
        decimal number => (number / 1.000000000000000000000000000000000m).ToString(CultureInfo.InvariantCulture), // 1.0 and 1.00 are equal
        ITuple tuple => OfTuple(tuple),
        _ => throw new InvalidOperationException(Refusal(key.GetType())),
    };

    private static string Refusal(Type type)
        => $"State cannot be kept by a {TypeNames.Of(type)}: there is no text for it that is the same in every process. "
            + "Make the key a text, a number, a time, an id, an enum, or a tuple of such.";

    private static bool Covers(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Covers(underlying);
        if (type.IsEnum || type.IsInterface || Array.IndexOf(covered, type) >= 0) return true;
        if (!type.IsAssignableTo(typeof(ITuple))) return false;
        return type.Namespace != nameof(System) || Array.TrueForAll(type.GetGenericArguments(), Covers);
    }

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
