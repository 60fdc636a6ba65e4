using System.Text.Json;

namespace Sluice.Celery;

/// <summary>
/// Values that have no JSON form of their own: kombu 5.3 and later write each as an object with the name of its type,
/// <c>{"__type__": "decimal", "__value__": "1.50"}</c>.
/// </summary>
internal static class PythonValues
{
    /// <summary>
    /// For all that is read on the way: how deep a value may be, its serializer says. A result stands in an object more, and a value with
    /// the name of its type in one or two.
    /// </summary>
    public static JsonDocumentOptions AnyDepth { get; } = new() { MaxDepth = 1_000 };        // as Utf8JsonWriter

    /// <summary>Replaces such objects by what System.Text.Json reads.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static byte[] Unwrap(byte[] json)
    {
        if (json.AsSpan().IndexOf("\"__type__\""u8) < 0) return json;
        using var document = JsonDocument.Parse(json, AnyDepth);
        return TaskMessage.Json(document.RootElement, static (writer, root) => Write(writer, root));
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when PlainOf(value) is { } plain:
                writer.WriteRawValue(plain);
                break;
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement one in value.EnumerateArray()) Write(writer, one);
                writer.WriteEndArray();
                break;
            default:
                writer.WriteRawValue(value.GetRawText(), skipInputValidation: true);         // a text may have half a surrogate pair
                break;
        }
    }

    /// <returns>The JSON of a value of a known type; null for every other object.</returns>
    private static string? PlainOf(JsonElement value)
    {
        if (value.GetPropertyCount() != 2 || !value.TryGetProperty("__type__", out JsonElement type)
            || type.ValueKind != JsonValueKind.String || !value.TryGetProperty("__value__", out JsonElement content)) return null;
        string raw = content.GetRawText();
        return (type.GetString(), content.ValueKind) switch
        {
            ("datetime" or "date" or "time" or "base64", JsonValueKind.String) => raw,
            // As base64, like the bytes that are no text: the JSON of a byte[].
            ("bytes", JsonValueKind.String) => $"\"{Convert.ToBase64String(Encoding.UTF8.GetBytes(content.GetString()!))}\"",
            ("decimal", JsonValueKind.String) => IsNumber(content.GetString()!) ? content.GetString() : raw,
            ("uuid", JsonValueKind.Object) when content.TryGetProperty("hex", out JsonElement hex)
                && hex.ValueKind == JsonValueKind.String && Guid.TryParseExact(hex.GetString(), "N", out Guid id) => $"\"{id}\"",
            _ => null,
        };
    }

    /// <summary>Whether a text is a number of JSON: NaN and infinities are none.</summary>
    private static bool IsNumber(string text)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
        try
        {
            return reader.Read() && reader.TokenType == JsonTokenType.Number && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
