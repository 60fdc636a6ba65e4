using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sluice.Cli.Output;

/// <summary>Makes texts from stores safe for a terminal, and values readable.</summary>
internal static class Clean
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Replaces control characters, such as line breaks and escape sequences, by visible ones.</summary>
    /// <param name="text">The text.</param>
    /// <param name="max">The longest result; a longer text ends with "…".</param>
    public static string Text(string text, int max = int.MaxValue)
    {
        var clean = new StringBuilder(Math.Min(text.Length, 256));
        int cut = 0;                                 // where the text would be cut: behind a whole letter or escape
        foreach (char letter in text)
        {
            if (clean.Length < max) cut = clean.Length;
            if (letter == '\n') clean.Append("\\n");
            else if (letter == '\t') clean.Append("\\t");
            else if (letter == '\r') clean.Append("\\r");
            else if (IsHarmful(letter)) clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            else clean.Append(letter);
            if (clean.Length <= max) continue;
            clean.Length = cut;
            if (cut > 0 && char.IsHighSurrogate(clean[^1])) clean.Length--;
            return clean.Append('…').ToString();
        }
        return clean.ToString();
    }

    /// <summary>
    /// Escapes marks that turn the direction of text in JSON, where they are in strings only. The serializer escapes control characters.
    /// </summary>
    public static string Json(string json)
    {
        if (!json.Any(IsHarmful)) return json;
        var clean = new StringBuilder(json.Length + 64);
        foreach (char letter in json)
            if (IsHarmful(letter) && letter is not ('\n' or '\r')) clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            else clean.Append(letter);
        return clean.ToString();
    }

    /// <summary>Reads a payload as UTF-8; null if it is not text.</summary>
    public static string? Utf8(ReadOnlySpan<byte> payload)
    {
        try
        {
            string text = Strict.GetString(payload);
            return text.AsSpan().ContainsAnyInRange('\0', '\u0008') ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>Shows a payload: as text, or the begin of its bytes.</summary>
    public static string Payload(ReadOnlyMemory<byte> payload, int max)
    {
        if (Utf8(payload.Span) is { } text) return Text(text, max);
        const int Shown = 32;
        string hex = Convert.ToHexStringLower(payload.Span[..Math.Min(Shown, payload.Length)]);
        return $"0x{hex}{(payload.Length > Shown ? "…" : "")} ({Count(payload.Length)} bytes)";
    }

    /// <summary>Reads a text that is written as JSON with escapes, such as a line of a file; null for any other payload.</summary>
    public static string? JsonText(ReadOnlySpan<byte> payload)
    {
        if (payload.Length == 0 || payload[0] != '"' || !payload.Contains((byte)'\\')) return null;
        try
        {
            var reader = new Utf8JsonReader(payload);
            return reader.Read() && reader.TokenType == JsonTokenType.String && reader.BytesConsumed == payload.Length ? reader.GetString()
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;                             // no JSON, or no Unicode text
        }
    }

    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    public static string Rate(double? perSecond)
        => perSecond is { } rate ? rate.ToString(rate < 10 ? "0.0" : "N0", CultureInfo.InvariantCulture) : "-";

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string Size(long bytes) => bytes switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1000} kB"),
        < 10_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1_000_000_000} GB"),
    };

    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, span.TotalSeconds):0} s"),
        { TotalMinutes: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0} min"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0} days"),
    };

    // Control characters of ASCII and Latin 1, marks that turn the direction of text, and the letter that Spectre.Console cannot measure.
    private static bool IsHarmful(char letter)
        => char.IsControl(letter) || letter is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\uffff';
}
