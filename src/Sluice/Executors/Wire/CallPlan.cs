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

    public static CallPlan Of(Invocation invocation)
    {
        ProcessorPlan processor = invocation.Plan;
        return new(invocation.Run, invocation.Start, processor, [.. processor.Inputs.Concat(processor.Outputs).Select(invocation.Stream)],
            invocation.State, invocation.Attempt)
        { Trace = invocation.Trace?.Parent, TraceState = invocation.Trace?.State, TakesTraces = true };
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, CallJson.Default.CallPlan);

    public static CallPlan From(ReadOnlySpan<byte> bytes)
        => JsonSerializer.Deserialize(bytes, CallJson.Default.CallPlan) ?? throw new InvalidDataException("A call has no plan.");
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, UseStringEnumConverter = true)]
[JsonSerializable(typeof(CallPlan))]
internal sealed partial class CallJson : JsonSerializerContext;
