namespace Sluice.Graphs;

/// <summary>
/// The arguments of a call that appear in its name: numbers, short texts and the like. Larger values are omitted, so that a record keeps
/// nothing alive.
/// </summary>
internal sealed class ShownArguments
{
    private const int MaxShown = 3;
    private const int MaxText = 20;
    private const string Hidden = "…";

    private readonly object?[] values = new object?[MaxShown];
    private int count;

    /// <summary>The text, for example <c>1, a1, …</c>.</summary>
    public string Text => string.Join(", ", values.Take(Math.Min(count, MaxShown)).Select(Write).Concat(count > MaxShown ? [Hidden] : []));

    /// <summary>Adds an argument. Not thread-safe.</summary>
    public static void Add<T>(ref ShownArguments? shown, T argument)
    {
        object? value = argument switch
        {
            null => "null",
            string text => text.Length <= MaxText ? text : text[..MaxText] + Hidden,
            bool or char or Enum or IFormattable and ValueType when IsPlain(argument.GetType()) => argument,
            _ => null,
        };
        if (value is null && shown is null) return;
        shown ??= new();
        if (shown.count < MaxShown) shown.values[shown.count] = value;
        shown.count++;
    }

    /// <summary>Whether a type is a number, time or id of the base library, or an enum, so that its text comes from no user code.</summary>
    private static bool IsPlain(Type type) => type.IsPrimitive || type.IsEnum || type == typeof(decimal) || type == typeof(Guid)
        || type == typeof(DateTime) || type == typeof(DateTimeOffset) || type == typeof(DateOnly)
        || type == typeof(TimeOnly) || type == typeof(TimeSpan);

    private static string Write(object? value)
    {
        if (value is null) return Hidden;
        string text = value is IFormattable formattable and not Enum ? formattable.ToString(null, CultureInfo.InvariantCulture)
            : value.ToString()!;
        if (!text.Any(letter => char.IsControl(letter) || char.IsSurrogate(letter))) return text;
        var written = new StringBuilder();
        foreach (char letter in text)
        {
            if (char.IsControl(letter) || char.IsSurrogate(letter)) written.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            else written.Append(letter);
        }
        return written.ToString();
    }
}
