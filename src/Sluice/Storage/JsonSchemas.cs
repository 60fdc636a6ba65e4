using System.Text.Json;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>Describes the JSON of a type for programs in other languages, which compare it with their own types.</summary>
internal static class JsonSchemas
{
    private const int MaxLetters = 8 << 10;

    /// <returns>
    /// A JSON schema of what is written. Null if the name of the type says the same (numbers, texts, times), if the schema is long, or if
    /// there is none.
    /// </returns>
    public static JsonElement? Of(JsonTypeInfo type)
    {
        if (type.Kind == JsonTypeInfoKind.None && !(Nullable.GetUnderlyingType(type.Type) ?? type.Type).IsEnum) return null;
        try
        {
            string text = type.GetJsonSchemaAsNode().ToJsonString();
            return text.Length <= MaxLetters ? JsonElement.Parse(text) : null;
        }
        catch (NotSupportedException)
        {
            return null;                             // the first value of such a type fails, with its name
        }
    }
}
