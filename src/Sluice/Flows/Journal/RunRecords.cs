using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>The plan of a run: the first entry of its journal, written by the commit that starts the run.</summary>
/// <remarks>The records in this file are stored. Their JSON names are literals, so a rename in the code changes none.</remarks>
internal sealed record RunPlan(
    [property: JsonPropertyName("Run")] string Run,
    [property: JsonPropertyName("Key")] string Key,
    [property: JsonPropertyName("Starter")] string Starter,
    [property: JsonPropertyName("Processors")] ProcessorPlan[] Processors,
    [property: JsonPropertyName("Streams")] StreamPlan[] Streams,
    [property: JsonPropertyName("Results")] string[] Results)
{
    /// <summary>The trace of the start, as a W3C <c>traceparent</c>; null if it is not recorded.</summary>
    [JsonPropertyName("Trace")]
    public string? Trace { get; init; }

    /// <summary>Its <c>tracestate</c>; null if there is none.</summary>
    [JsonPropertyName("TraceState")]
    public string? TraceState { get; init; }

    public ProcessorPlan? Find(string processor) => Array.Find(Processors, one => one.Name == processor);

    /// <summary>The processor that writes a stream; null if it is given at the start.</summary>
    public string? WriterOf(string stream) => Array.Find(Processors, one => one.Outputs.Contains(stream))?.Name;

    public StreamPlan Stream(string name) => Array.Find(Streams, one => one.Name == name)
        ?? throw new FlowException(NearNames.Explain("stream", name, [.. Streams.Select(stream => stream.Name)])) { Run = Run };
}

/// <summary>A processor in the plan of a run.</summary>
internal sealed record ProcessorPlan(
    [property: JsonPropertyName("Name")] string Name,
    [property: JsonPropertyName("Inputs")] string[] Inputs,
    [property: JsonPropertyName("Outputs")] string[] Outputs,
    [property: JsonPropertyName("Wait")] bool Wait,
    [property: JsonPropertyName("Resume")] ResumeMode Resume)
{
    public static ProcessorPlan Of(Processor processor)
        => new(processor.Name, [.. processor.Inputs], [.. processor.Outputs], processor.Wait,
        processor.Resume)
        { Retry = RetryPlan.Of(processor.Retry), Timeout = processor.Timeout };

    /// <summary>The retry policy; null for one attempt only.</summary>
    [JsonPropertyName("Retry")]
    public RetryPlan? Retry { get; init; }

    /// <summary>The time limit of an attempt; null for none.</summary>
    [JsonPropertyName("Timeout")]
    public TimeSpan? Timeout { get; init; }

    public Processor ToProcessor() => new(Name)
    {
        Inputs = Inputs,
        Outputs = Outputs,
        Wait = Wait,
        Resume = Resume,
        Retry = Retry?.ToRetry(),
        Timeout = Timeout
    };
}

/// <summary>The retry policy of a processor in the plan of a run.</summary>
internal sealed record RetryPlan(
    [property: JsonPropertyName("Retries")] int Retries,
    [property: JsonPropertyName("Delay")] TimeSpan Delay,
    [property: JsonPropertyName("MaxDelay")] TimeSpan MaxDelay)
{
    public static RetryPlan? Of(ProcessorRetry? retry) => retry is null ? null : new(retry.Retries, retry.Delay, retry.MaxDelay);

    public ProcessorRetry ToRetry() => new(Retries) { Delay = Delay, MaxDelay = MaxDelay };

    /// <summary>The pause before the next attempt.</summary>
    /// <param name="failed">The number of failed attempts.</param>
    public TimeSpan PauseAfter(int failed)
        => Backoff.Exponential(Delay < MaxDelay ? Delay : MaxDelay, MaxDelay).WaitBefore(failed, Random.Shared);
}

/// <summary>The values that a run was started with in one stream, by which a repeated start is recognized.</summary>
/// <param name="Count">The number of values; -1 if they came as a stream, whose length is unknown.</param>
/// <param name="Digest">A hash of all values, in order.</param>
internal sealed record GivenValues(
    [property: JsonPropertyName("Count")] long Count,
    [property: JsonPropertyName("Digest")] string Digest);

/// <summary>A stream in the plan of a run. The type name is compared only; never load a type by it.</summary>
internal sealed record StreamPlan(
    [property: JsonPropertyName("Name")] string Name,
    [property: JsonPropertyName("Type")] string? Type,
    [property: JsonPropertyName("IsGiven")] bool IsGiven,
    [property: JsonPropertyName("MaxItems")] long MaxItems,
    [property: JsonPropertyName("MaxBytes")] long MaxBytes,
    [property: JsonPropertyName("MaxItemBytes")] int MaxItemBytes,
    [property: JsonPropertyName("MaxKept")] long MaxKept,
    [property: JsonPropertyName("Retention")] Retention Retention)
{
    /// <summary>The values given at the start; null if the plan does not have them.</summary>
    [JsonPropertyName("Given")]
    public GivenValues? Given { get; init; }

    /// <summary>The JSON schema of the values, for functions in other languages; null if the name of the type says enough, or the schema
    /// is unknown or long.</summary>
    [JsonPropertyName("Schema")]
    public JsonElement? Schema { get; init; }

    [JsonPropertyName("Options")]                    // written, and never read
    public StreamOptions Options => new()
    {
        Partitions = 1,
        MaxItems = MaxItems,
        MaxBytes = MaxBytes,
        MaxEntryBytes = MaxItemBytes,
        Retention = Retention
    };
}

/// <summary>The kinds of events in a run's journal, which stores the names in the attributes.</summary>
internal enum RunEventKind
{
    [JsonStringEnumMemberName("Begun")]
    Begun,
    [JsonStringEnumMemberName("Started")]
    Started,
    [JsonStringEnumMemberName("HandedOver")]
    HandedOver,
    [JsonStringEnumMemberName("Completed")]
    Completed,
    [JsonStringEnumMemberName("Failed")]
    Failed,
    [JsonStringEnumMemberName("Cancelled")]
    Cancelled,
    [JsonStringEnumMemberName("CancelRequested")]
    CancelRequested,

    /// <summary>An attempt has failed; another one follows.</summary>
    [JsonStringEnumMemberName("Retrying")]
    Retrying,

    /// <summary>The processor has waited long for room in a stream.</summary>
    [JsonStringEnumMemberName("Stuck")]
    Stuck,

    /// <summary>The processor waits for a value of a stream; written if another processor is stuck.</summary>
    [JsonStringEnumMemberName("Idle")]
    Idle,

    /// <summary>The processor is no longer stuck.</summary>
    [JsonStringEnumMemberName("Moving")]
    Moving,
}

/// <summary>An entry of a run's journal.</summary>
/// <param name="Kind">The kind of event.</param>
/// <param name="Member">The service that reports it.</param>
/// <param name="Processor">The processor; null for the whole run.</param>
/// <param name="Error">The error or the reason; null if there is none.</param>
/// <param name="Origin">The processor that failed first.</param>
/// <param name="Start">The number of the processor's start.</param>
/// <param name="Plan">The plan of the run; in its first event only.</param>
/// <param name="Stream">The stream that the processor waits for.</param>
internal sealed record RunEvent(
    [property: JsonPropertyName("Kind")] RunEventKind Kind,
    [property: JsonPropertyName("Member")] string Member,
    [property: JsonPropertyName("Processor")] string? Processor = null,
    [property: JsonPropertyName("Error")] string? Error = null,
    [property: JsonPropertyName("Origin")] string? Origin = null,
    [property: JsonPropertyName("Start")] int Start = 0,
    [property: JsonPropertyName("Plan")] RunPlan? Plan = null,
    [property: JsonPropertyName("Stream")] string? Stream = null)
{
    /// <summary>Whether the failure is a <see cref="NondeterministicReplayException"/>.</summary>
    [JsonPropertyName("IsDifference")]
    public bool IsDifference { get; init; }

    /// <summary>The number of the failed attempt, from 1; 0 if the event is about no attempt.</summary>
    [JsonPropertyName("Attempt")]
    public int Attempt { get; init; }

    /// <summary>Whether readers of the journal keep the event; who waits for what is only current.</summary>
    [JsonPropertyName("IsLasting")]                  // written, never read; the same is true of IsEnd
    public bool IsLasting => Kind is not (RunEventKind.Stuck or RunEventKind.Idle or RunEventKind.Moving);

    [JsonPropertyName("IsEnd")]
    public bool IsEnd => Kind is RunEventKind.Completed or RunEventKind.Failed or RunEventKind.Cancelled;
}

/// <summary>An entry of a work stream: the order to run a processor of a run.</summary>
internal sealed record WorkOrder(
    [property: JsonPropertyName("Run")] string Run,
    [property: JsonPropertyName("Key")] string Key);

/// <summary>A row in the state of a work partition: a processor of a run that the partition's owner has taken on.</summary>
/// <param name="Run">The id of the run.</param>
/// <param name="Key">Tells runs of one id apart: the id of a deleted run may be used again.</param>
/// <param name="Starts">The number of starts without a handover, of all times.</param>
/// <param name="Ended">Whether the processor has ended, and only its readers are left to close.</param>
/// <param name="Inputs">The sequence number to resume at, by input; an input without one resumes at the first value.</param>
/// <param name="State">The state that the function has saved last.</param>
internal sealed record Assignment(
    [property: JsonPropertyName("Run")] string Run,
    [property: JsonPropertyName("Key")] string Key,
    [property: JsonPropertyName("Starts")] int Starts,
    [property: JsonPropertyName("Ended")] bool Ended,
    [property: JsonPropertyName("Inputs")] Dictionary<string, long> Inputs,
    [property: JsonPropertyName("State")] byte[]? State)
{
    /// <summary>
    /// Why the row cannot be run: its stored data is unreadable; null if it is sound. With damage, the key and <c>Ended</c> may be unknown.
    /// </summary>
    [JsonPropertyName("Damage")]
    public string? Damage { get; init; }

    /// <summary>The number of consecutive failed attempts without progress.</summary>
    [JsonPropertyName("Failures")]
    public int Failures { get; init; }

    /// <summary>The number of starts without a handover since the last progress, with the current one.</summary>
    [JsonPropertyName("Fruitless")]
    public int Fruitless { get; init; }

    /// <summary>
    /// Whether the processor has completed, but the journal does not say so yet: the commit with its last value had no room.
    /// </summary>
    [JsonPropertyName("IsUntold")]
    public bool IsUntold { get; init; }

    /// <summary>Whether the function may have work left that needs no further value: it has saved a state, or has failed.</summary>
    public bool MayHaveWork() => State is not null || Failures > 0;
}

/// <summary>The failure in the end of a stream, for its readers.</summary>
internal sealed record StreamFailure(
    [property: JsonPropertyName("Processor")] string? Processor,
    [property: JsonPropertyName("Error")] string Error,
    [property: JsonPropertyName("IsCancelled")] bool IsCancelled)
{
    /// <summary>Whether the failure is a <see cref="NondeterministicReplayException"/>.</summary>
    [JsonPropertyName("IsDifference")]
    public bool IsDifference { get; init; }
}

/// <summary>The JSON metadata of the records, generated at compile time.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RunEvent))]
[JsonSerializable(typeof(WorkOrder))]
[JsonSerializable(typeof(Assignment))]
[JsonSerializable(typeof(StreamFailure))]
internal sealed partial class RunJson : JsonSerializerContext
{
    private static JsonForm Form => field ??= JsonForm.Of(Default.Options);

    /// <summary>Reads a record as strictly as payloads are read: members that are not nullable must be there.</summary>
    /// <exception cref="JsonException">The bytes are not the record, or lack a member: damaged, or written by a newer version.</exception>
    public static T Read<T>(ReadOnlySpan<byte> stored)
        where T : class => JsonSerializer.Deserialize(stored, Form.Find<T>()!) ?? throw new JsonException("It is null.");

    public static EntryBatch Entry(RunEvent happened)
    {
        var batch = new EntryBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(happened, Default.RunEvent));
        return batch;
    }

    public static EntryBatch Entry(WorkOrder order)
    {
        var batch = new EntryBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(order, Default.WorkOrder), EntryKey.Of(order.Run));
        return batch;
    }

    public static StreamEnd End(StreamFailure failure) => new(JsonSerializer.Serialize(failure, Default.StreamFailure));

    /// <summary>Reads the failure of a stream. A text that is not JSON comes from user code, and is the error itself.</summary>
    public static StreamFailure Failure(string text)
    {
        try
        {
            return Read<StreamFailure>(Encoding.UTF8.GetBytes(text));
        }
        catch (JsonException)
        {
            return new(Processor: null, text, IsCancelled: false);
        }
    }
}
