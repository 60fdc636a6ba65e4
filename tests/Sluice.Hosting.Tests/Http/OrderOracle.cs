using System.Text.Json;

namespace Sluice.Hosting.Tests.Http;

/// <summary>Reads the orders of a body without the library, line by line.</summary>
internal static class OrderOracle
{
    /// <returns>The orders in it; null if it is malformed.</returns>
    public static List<Order>? Read(byte[] body, bool isMany)
    {
        if (!isMany) return Read(body) is { } order ? [order] : null;
        List<Order> orders = [];
        for (int start = 0; start <= body.Length;)
        {
            int end = Array.IndexOf(body, (byte)'\n', start);
            if (end < 0) end = body.Length;
            int length = end - start;
            if (length > 0 && body[end - 1] == '\r') length--;
            byte[] line = body[start..(start + length)];
            start = end + 1;
            if (Array.TrueForAll(line, one => one is (byte)' ' or (byte)'\t')) continue;
            if (Read(line) is not { } order) return null;
            orders.Add(order);
        }
        return orders.Count > 0 ? orders : null;
    }

    private static Order? Read(byte[] text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return null;
            string? id = null;
            int? quantity = null;
            bool hasId = false;
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (property.Name.Equals("Id", StringComparison.OrdinalIgnoreCase) && !hasId)    // the name: throws where an escape is none
                {
                    if (property.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null)) return null;
                    (id, hasId) = (property.Value.GetString(), true);
                }
                else if (property.Name.Equals("Quantity", StringComparison.OrdinalIgnoreCase) && quantity is null)
                {
                    if (property.Value.ValueKind != JsonValueKind.Number || !property.Value.TryGetInt32(out int value)) return null;
                    quantity = value;
                }
                else
                {
                    return null;                     // unknown, or there twice
                }
            }
            if (!hasId || quantity is null) return null;
            return new(id, quantity.Value);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;                             // the latter: a text that is no UTF-8
        }
    }
}
