using System.Text.Json.Serialization;

namespace Files.Processors;

/// <summary>How values are written in the store, but for contents.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FoundFile))]
[JsonSerializable(typeof(FileWords))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
internal sealed partial class FilesJson : JsonSerializerContext;
