using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The description of a call for the remote side. Type names are compared only; never load a type by them.</summary>
/// <remarks>The JSON names are literals, because the other side may have another version or language.</remarks>
internal sealed record CallPlan(
    [property: JsonPropertyName("Run")] string Run,
    [property: JsonPropertyName("Start")] int Start,
    [property: JsonPropertyName("Processor")] ProcessorPlan Processor,
    [property: JsonPropertyName("Streams")] StreamPlan[] Streams,
    [property: JsonPropertyName("State")] byte[]? State,
    [property: JsonPropertyName("Attempt")] int Attempt)
{
    /// <summary>The trace of the execution, as a W3C <c>traceparent</c>; null if it is not recorded.</summary>
    [JsonPropertyName("Trace")]
    public string? Trace { get; init; }

    /// <summary>Its <c>tracestate</c>; null if there is none.</summary>
    [JsonPropertyName("TraceState")]
    public string? TraceState { get; init; }

    /// <summary>Whether the service takes values with traces (<see cref="CallFrame.PutTraced"/>); older services do not say it.</summary>
    [JsonPropertyName("TakesTraces")]
    public bool TakesTraces { get; init; }

    /// <summary>Whether the service knows reads ahead (<see cref="CallFrame.Wait"/>); older services do not say it.</summary>
    [JsonPropertyName("TakesWaits")]
    public bool TakesWaits { get; init; }

    public static CallPlan Of(Invocation invocation)
    {
        ProcessorPlan processor = invocation.Plan;
        return new(invocation.Run, invocation.Start, processor, [.. processor.Inputs.Concat(processor.Outputs).Select(invocation.Stream)],
            invocation.State, invocation.Attempt)
        { Trace = invocation.Trace?.Parent, TraceState = invocation.Trace?.State, TakesTraces = true, TakesWaits = true };
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CallJson.Default.CallPlan);

    /// <exception cref="InvalidDataException">It is damaged, or of a version that has more than this one knows.</exception>
    public static CallPlan From(ReadOnlySpan<byte> bytes)
    {
        CallPlan? plan;
        try
        {
            plan = JsonSerializer.Deserialize(bytes, CallJson.Default.CallPlan);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException($"the plan of a call cannot be read: {e.Message}", e);
        }
        return plan is not null && plan.IsWhole() ? plan : throw new InvalidDataException("the plan of a call is not whole.");
    }

    private bool IsWhole()
    {
        if (Run is null || Processor is not { Name: not null, Inputs: { } inputs, Outputs: { } outputs } || Streams is null) return false;
        if (Array.Exists(Streams, static stream => stream?.Name is null || stream.MaxItemBytes < 0)) return false;
        var streams = Streams.Select(static stream => stream.Name).ToHashSet(StringComparer.Ordinal);
        return IsOf(inputs) && IsOf(outputs);

        bool IsOf(string[] names) => Array.TrueForAll(names, name => name is not null && streams.Contains(name))
            && names.Distinct(StringComparer.Ordinal).Count() == names.Length;
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CallPlan))]
internal sealed partial class CallJson : JsonSerializerContext;
