using System.Globalization;

namespace Sluice.Shared;

/// <summary>Writes the values of a row for a message, with truncated texts and the length of bytes.</summary>
internal static class RowText
{
    private const int MaxValues = 16, MaxText = 60;

    public static string Of(object?[] values)
        => $"({string.Join(", ", values.Take(MaxValues).Select(Of))}{(values.Length > MaxValues ? ", …" : "")})";

    private static string Of(object? value) => value switch
    {
        null => "NULL",
        string { Length: > MaxText } text => $"'{text[..MaxText]}…'",
        string text => $"'{text}'",
        byte[] bytes => Count(bytes.Length, "bytes"),
        ReadOnlyMemory<byte> bytes => Count(bytes.Length, "bytes"),
        Array array => Count(array.Length, "elements"),
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}");
}
