namespace Sluice.Producers;

/// <summary>A column of a query's key: its name, the type of its values, and their order.</summary>
internal sealed class KeyColumn
{
    /// <summary>The parameter with the number of rows that a query may return.</summary>
    public const string Take = "take";

    private const int MaxShown = 100;

    private readonly IComparer<string> texts;

    /// <param name="key">The user's definition of the column.</param>
    /// <param name="texts">The order of text.</param>
    /// <exception cref="ArgumentException">The name or the type of the start is not allowed.</exception>
    public KeyColumn(QueryKey key, IComparer<string> texts)
    {
        this.texts = texts;
        ArgumentNullException.ThrowIfNull(key);
        ArgumentException.ThrowIfNullOrEmpty(key.Column, nameof(key));
        ArgumentNullException.ThrowIfNull(key.Start, nameof(key));
        if (!key.Column.All(static letter => letter == '_' || char.IsLetterOrDigit(letter)))
            throw new ArgumentException(
                $"'{key.Column}' cannot be the name of a parameter. Give the column another name in the query (AS …), of letters, digits "
                    + $"and underscores, and name that.", nameof(key));
        if (key.Column.Equals(Take, StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException(
                $"'{Take}' is the name of the number of rows that a query may return. Give the key column another name in the query (AS "
                    + $"…), and name that.", nameof(key));
        Name = key.Column;
        Type = KeyType.Of(key.Start)
            ?? throw new ArgumentException(
                $"The start of the key column '{Name}' is of type {TypeNames.Of(key.Start.GetType())}, which has no order that a database "
                    + $"shares. Give an integer, decimal, double, string, DateTime, DateTimeOffset, DateOnly, TimeOnly, TimeSpan, "
                    + $"Guid or byte[].", nameof(key));
        Start = Type.Read(key.Start)!;
    }

    public string Name { get; }

    public KeyType Type { get; }

    public object Start { get; }

    public int Compare(object one, object other) => one is string text ? texts.Compare(text, (string)other) : Type.Compare(one, other);

    /// <summary>The column and a value, for messages.</summary>
    public string Describe(object value)
    {
        string text = value switch
        {
            string known => $"'{known}'",
            byte[] bytes => "0x" + Convert.ToHexString(bytes),
            DateTime time => time.ToString("yyyy-MM-dd HH:mm:ss.fffffff", CultureInfo.InvariantCulture),
            DateTimeOffset time => time.ToString("yyyy-MM-dd HH:mm:ss.fffffffzzz", CultureInfo.InvariantCulture),
            DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            TimeOnly time => time.ToString("HH:mm:ss.fffffff", CultureInfo.InvariantCulture),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => $"{value}",
        };
        return $"{Name} = {(text.Length > MaxShown ? text[..MaxShown] + "…" : text)}";
    }
}

/// <summary>Compares text by code points, which is the byte order of UTF-8.</summary>
internal sealed class CodePointOrder : IComparer<string>
{
    public static readonly CodePointOrder Instance = new();

    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> one = x, other = y;
        int same = one.CommonPrefixLength(other);
        if (same == one.Length || same == other.Length) return one.Length.CompareTo(other.Length);
        (char a, char b) = (one[same], other[same]);
        // Surrogates encode characters above all others, but are not the last UTF-16 values.
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }
}
