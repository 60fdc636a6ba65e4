using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Graphs;

/// <summary>Types of System.Text.Json that stand for any value.</summary>
internal static class JsonTypes
{
    /// <summary>Whether a value of the type is JSON that no function has given a type yet.</summary>
    public static bool Is(Type type) => type == typeof(JsonElement) || typeof(JsonNode).IsAssignableFrom(type);

    /// <summary>Returns the type under which users know it: the classes of JSON values are internal.</summary>
    public static Type Visible(Type type) => typeof(JsonValue).IsAssignableFrom(type) ? typeof(JsonValue) : type;
}
