using System.Text.Json;

namespace Sluice.Celery;

/// <summary>The result of a task, as the result backend keeps it.</summary>
/// <param name="State">The state, such as <c>SUCCESS</c>.</param>
/// <param name="Json">The JSON of the result, or of the exception.</param>
/// <param name="Traceback">The traceback; null if there is none.</param>
internal sealed record TaskResult(string State, byte[] Json, string? Traceback)
{
    private const byte PickleMark = 0x80;

    /// <summary>Whether the state will not change: it does not wait, run or retry.</summary>
    public bool HasEnded => State is "SUCCESS" or "FAILURE" or "REVOKED";

    /// <summary>The length of the result, in bytes.</summary>
    public int Length => Json.Length;

    /// <exception cref="CeleryTaskException">The bytes are no result in JSON.</exception>
    public static TaskResult Read(byte[] bytes)
    {
        if (bytes.Length > 0 && bytes[0] == PickleMark)
            throw new CeleryTaskException(
                "The result of the task is pickled, and pickle is not read: it executes code. Set result_serializer = \"json\" in the "
                    + "Celery application.");
        try
        {
            using var document = JsonDocument.Parse(bytes, PythonValues.AnyDepth);
            JsonElement root = document.RootElement;
            string state = root.GetProperty("status").GetString()!;
            byte[] result = root.TryGetProperty("result", out JsonElement found) ? Encoding.UTF8.GetBytes(found.GetRawText()) : [];
            return new(state, result, root.TryGetProperty("traceback", out JsonElement trace) && trace.ValueKind == JsonValueKind.String
                ? Text(trace) : null);
        }
        catch (JsonException e) when (HasNoNumber(bytes, e))
        {
            throw new CeleryTaskException("The task has returned NaN or an infinity, which JSON does not have: return None or a text.", e)
            {
                State = StateOf(bytes)
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new CeleryTaskException($"The result of the task is damaged: {e.Message}", e) { State = StateOf(bytes) };
        }
    }

    /// <summary>Whether it cannot be read because of what Python writes of a float that is no number.</summary>
    private static bool HasNoNumber(ReadOnlySpan<byte> bytes, JsonException e)
    {
        if (e.LineNumber != 0 || e.BytePositionInLine is not { } at || at >= bytes.Length) return false;
        ReadOnlySpan<byte> rest = bytes[(int)at..].TrimStart((byte)'-');
        return rest.StartsWith("NaN"u8) || rest.StartsWith("Infinity"u8);
    }

    /// <summary>The state in a result of which only the beginning can be read.</summary>
    private static string? StateOf(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, default);
        try
        {
            while (reader.Read())
                if (reader is { CurrentDepth: 1, TokenType: JsonTokenType.PropertyName } && reader.ValueTextEquals("status"u8))
                    return reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        }
        catch (JsonException)
        {
            // It stands behind.
        }
        return null;
    }

    /// <summary>The type and the message of the exception.</summary>
    public (string? Type, string Message) Exception()
    {
        try
        {
            using var document = JsonDocument.Parse(Json, PythonValues.AnyDepth);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return (null, Text(root));
            string? type = root.TryGetProperty("exc_type", out JsonElement name) ? Text(name) : null;
            if (!root.TryGetProperty("exc_message", out JsonElement said)) return (type, "");
            return (type, said.ValueKind == JsonValueKind.Array ? string.Join(", ", said.EnumerateArray().Select(Text)) : Text(said));
        }
        catch (JsonException)
        {
            return (null, "");
        }
    }

    // Python writes half a surrogate pair for each byte of a file's name that is no UTF-8: a text with one is shown with its escapes.
    private static string Text(JsonElement value)
    {
        try
        {
            return value.ToString();
        }
        catch (InvalidOperationException)
        {
            string raw = value.GetRawText();         // of a string, as no other value fails
            return raw[1..^1];
        }
    }
}
