using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Sluice.Processes;

/// <summary>Tells a worker in Python the types of the stage's items and results. The worker compares them with its function.</summary>
internal static class PythonTypes
{
    /// <summary>The environment variable with the types; the worker removes it.</summary>
    public const string Variable = "SLUICE_TYPES";

    /// <returns>JSON: <c>{"Input":{"Type":"Order","Schema":{…}},"Output":{"Type":"int"}}</c>, without what is unknown.</returns>
    public static string Of(Type input, Type output, PayloadSerializers serializers)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            Write(writer, "Input", input, serializers);
            Write(writer, "Output", output, serializers);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter writer, string name, Type type, PayloadSerializers serializers)
    {
        if (!serializers.AreJson(type)) return;
        writer.WriteStartObject(name);
        writer.WriteString("Type", TypeNames.ToStore(type));
        if (serializers.SchemaOf(type) is { } schema)
        {
            writer.WritePropertyName("Schema");
            schema.WriteTo(writer);
        }
        writer.WriteEndObject();
    }
}
