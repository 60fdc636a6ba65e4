using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using Sluice.Diagnostics;

namespace Payments.Serving;

/// <summary>Writes what is asked for as JSON.</summary>
internal static class Answers
{
    /// <summary>Each account, with its balance as text: a number would be rounded by many who read it.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyDictionary<string, decimal> balances)
    {
        json.WriteStartObject();
        foreach (var (account, balance) in balances) json.WriteString(account, balance.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, IReadOnlyList<DeadLetter> letters)
    {
        json.WriteStartArray();
        foreach (var letter in letters)
        {
            json.WriteStartObject();
            json.WriteString("id", letter.Id);
            json.WriteString("node", letter.Node);
            json.WriteString("error", letter.Error);
            json.WriteNumber("attempts", letter.Attempts);
            json.WriteString("at", letter.At);
            if (letter.AcceptedAt is { } accepted) json.WriteString("acceptedAt", accepted);
            WritePayload(json, letter.Payload.Span);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // The payload of a damaged entry, or one that another program has sent, is any bytes: written as JSON, they would spoil the answer.
    private static void WritePayload(Utf8JsonWriter json, ReadOnlySpan<byte> payload)
    {
        if (!IsJson(payload))
        {
            json.WriteBase64String("damaged", payload);
            return;
        }
        json.WritePropertyName("payment");
        json.WriteRawValue(payload, skipInputValidation: true);
    }

    private static bool IsJson(ReadOnlySpan<byte> text)
    {
        if (!Utf8.IsValid(text)) return false;                       // the reader does not look into texts
        var reader = new Utf8JsonReader(text);
        try
        {
            while (reader.Read()) { }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public static void Write(Utf8JsonWriter json, IReadOnlyList<ConsecutorSnapshot> snapshots)
    {
        json.WriteStartObject();
        foreach (var snapshot in snapshots) Write(json, snapshot);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ConsecutorSnapshot snapshot)
    {
        json.WriteStartObject(snapshot.Name);
        json.WriteString("state", snapshot.Status.ToString());
        json.WriteBoolean("isIdle", snapshot.IsIdle);
        json.WriteNumber("accepted", snapshot.Accepted);
        json.WriteNumber("completed", snapshot.Completed);
        json.WriteNumber("skipped", snapshot.Skipped);
        json.WriteNumber("dead", snapshot.Dead);
        json.WriteNumber("cancelled", snapshot.Cancelled);
        json.WriteNumber("pending", snapshot.Pending);
        json.WriteNumber("inFlight", snapshot.InFlight);
        json.WriteNumber("retrying", snapshot.Retrying);
        json.WriteNumber("parked", snapshot.Parked);
        json.WriteNumber("suspect", snapshot.Suspect);
        json.WriteString("problem", snapshot.Problem);
        json.WriteString("loss", snapshot.Loss);
        json.WriteStartObject("outputs");
        foreach (var (name, counts) in snapshot.Outputs) json.WriteNumber(name, counts.Written);
        json.WriteEndObject();
        json.WriteStartArray("nodes");
        foreach (var node in snapshot.Run?.Nodes ?? []) Write(json, node);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, NodeSnapshot node)
    {
        json.WriteStartObject();
        json.WriteString("name", node.Name);
        json.WriteNumber("in", node.In);
        json.WriteNumber("out", node.Out);
        json.WriteNumber("failed", node.Failed);
        json.WriteEndObject();
    }
}
