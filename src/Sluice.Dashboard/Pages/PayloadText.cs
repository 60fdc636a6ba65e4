using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Dashboard.Pages;

/// <summary>A payload as people read it: JSON with indentation, other text as it is, bytes as hexadecimal digits.</summary>
internal static class PayloadText
{
    /// <summary>How much of a payload a page shows, in characters.</summary>
    public const int MaxShown = 16_000;

    private const int MaxBytes = 512, MaxBeginning = 200;

    // The page encodes the text for HTML.
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Returns the text of a payload that is UTF-8; null if it is none.</summary>
    public static string? Text(ReadOnlySpan<byte> payload)
        => System.Text.Unicode.Utf8.IsValid(payload) ? Encoding.UTF8.GetString(payload) : null;

    /// <summary>Returns what is shown of a payload, and a sentence if that is not all of it.</summary>
    public static (string Shown, string? Cut) Show(ReadOnlyMemory<byte> payload, Func<string, string, string>? mask, string stream)
    {
        string? text = Text(payload.Span);
        if (mask is not null) text = Whole(payload, mask, stream);
        else if (text is null)
            return (Convert.ToHexString(payload.Span[..Math.Min(payload.Length, MaxBytes)]), payload.Length > MaxBytes
                ? $"These are the first {MaxBytes} of {Shown.Bytes(payload.Length)}." : "The payload is no text.");
        else if (payload.Length <= MaxShown) text = Pretty(payload) ?? text;
        return text.Length <= MaxShown ? (text, null)
            : (VisibleText.Shorten(text, MaxShown), $"This is the beginning of {Shown.Bytes(payload.Length)}.");
    }

    /// <summary>Returns all of a payload, masked.</summary>
    public static string Whole(ReadOnlyMemory<byte> payload, Func<string, string, string> mask, string stream)
        => Masked(Text(payload.Span) ?? Convert.ToHexString(payload.Span), mask, stream);

    /// <summary>Returns the beginning of a payload, for a row of a table.</summary>
    /// <remarks>A function that masks gets all of it: a part might not be what it looks for.</remarks>
    public static string Begin(ReadOnlyMemory<byte> payload, Func<string, string, string>? mask, string stream)
    {
        int end = Math.Min(payload.Length, MaxBeginning);
        while (end < payload.Length && end > MaxBeginning - 4 && (payload.Span[end] & 0xC0) == 0x80) end--;      // within a character
        return Show(mask is null ? payload[..end] : payload, mask, stream).Shown;
    }

    private static string? Pretty(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(payload);
            if (document.RootElement.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array)) return null;
            var bytes = new ArrayBufferWriter<byte>(payload.Length * 2);
            using (var writer = new Utf8JsonWriter(bytes, Indented)) document.WriteTo(writer);
            return Encoding.UTF8.GetString(bytes.WrittenSpan);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;                             // no JSON, or with a half of a pair that cannot be written
        }
    }

    /// <summary>Shows the text of an item, masked if payloads are.</summary>
    public static string Item(string text, Func<string, string, string>? mask, string stream)
        => VisibleText.Shorten(mask is null ? text : Masked(text, mask, stream), MaxBeginning);

    private static string Masked(string text, Func<string, string, string> mask, string stream)
    {
        try
        {
            return mask(stream, text) ?? "";
        }
        catch (Exception)
        {
            return "(not shown: MaskPayload has failed)";
        }
    }
}
