using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sluice;

/// <summary>What a run is: the first entry of its journal, written by the commit that starts it.</summary>
/// <remarks>The records in this file are stored. The names in the JSON are literals: a rename in the code changes none of them.</remarks>
internal sealed record RunPlan(
    [property: JsonPropertyName("Run")] string Run,
    [property: JsonPropertyName("Key")] string Key,
    [property: JsonPropertyName("Starter")] string Starter,
    [property: JsonPropertyName("Processors")] ProcessorPlan[] Processors,
    [property: JsonPropertyName("Streams")] StreamPlan[] Streams,
    [property: JsonPropertyName("Results")] string[] Results)
{
    public ProcessorPlan? Find(string processor) => Array.Find(Processors, one => one.Name == processor);

    public StreamPlan Stream(string name) => Array.Find(Streams, one => one.Name == name)
        ?? throw new FlowException(NearNames.Explain("stream", name, [.. Streams.Select(stream => stream.Name)])) { Run = Run };
}

/// <summary>A processor in a plan.</summary>
internal sealed record ProcessorPlan(
    [property: JsonPropertyName("Name")] string Name,
    [property: JsonPropertyName("Inputs")] string[] Inputs,
    [property: JsonPropertyName("Outputs")] string[] Outputs,
    [property: JsonPropertyName("Wait")] bool Wait,
    [property: JsonPropertyName("Resume")] ResumeMode Resume)
{
    public static ProcessorPlan Of(Processor processor)
        => new(processor.Name, [.. processor.Inputs], [.. processor.Outputs], processor.Wait, processor.Resume) { Retry = RetryPlan.Of(processor.Retry), Timeout = processor.Timeout };

    /// <summary>How often the function is tried, and with which pauses; null if once.</summary>
    [JsonPropertyName("Retry")]
    public RetryPlan? Retry { get; init; }

    /// <summary>How long an attempt may work; null if that is not bounded.</summary>
    [JsonPropertyName("Timeout")]
    public TimeSpan? Timeout { get; init; }

    public Processor ToProcessor() => new(Name) { Inputs = Inputs, Outputs = Outputs, Wait = Wait, Resume = Resume, Retry = Retry?.ToRetry(), Timeout = Timeout };
}

/// <summary>A processor's retries in a plan.</summary>
internal sealed record RetryPlan(
    [property: JsonPropertyName("Retries")] int Retries,
    [property: JsonPropertyName("Delay")] TimeSpan Delay,
    [property: JsonPropertyName("MaxDelay")] TimeSpan MaxDelay)
{
    public static RetryPlan? Of(ProcessorRetry? retry) => retry is null ? null : new(retry.Retries, retry.Delay, retry.MaxDelay);

    public ProcessorRetry ToRetry() => new(Retries) { Delay = Delay, MaxDelay = MaxDelay };

    /// <summary>The pause before an attempt.</summary>
    /// <param name="failed">How many have failed before it.</param>
    public TimeSpan PauseAfter(int failed) => Backoff.Exponential(Delay, MaxDelay).WaitBefore(failed, Random.Shared);
}

/// <summary>The values that a run was started with in a stream, so that a repeated start can be told from another one.</summary>
/// <param name="Count">How many; minus one if they came as a stream, of which nothing is known before it has ended.</param>
/// <param name="Digest">A hash of all of them, in their order.</param>
internal sealed record GivenValues(
    [property: JsonPropertyName("Count")] long Count,
    [property: JsonPropertyName("Digest")] string Digest);

/// <summary>A stream in a plan. The type is a name to compare, never one to load.</summary>
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
    /// <summary>What the run was started with here; null if it was not noted.</summary>
    [JsonPropertyName("Given")]
    public GivenValues? Given { get; init; }

    [JsonPropertyName("Options")]                    // written, and never read
    public StreamOptions Options => new() { Partitions = 1, MaxItems = MaxItems, MaxBytes = MaxBytes, MaxEntryBytes = MaxItemBytes, Retention = Retention };
}

/// <summary>What has happened in a run. The journal has the names in the attributes.</summary>
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

    /// <summary>An attempt has failed, and another one follows.</summary>
    [JsonStringEnumMemberName("Retrying")]
    Retrying,

    /// <summary>It has waited long for room in a stream.</summary>
    [JsonStringEnumMemberName("Stuck")]
    Stuck,

    /// <summary>It waits for a value of a stream; said when somebody else is stuck.</summary>
    [JsonStringEnumMemberName("Idle")]
    Idle,

    /// <summary>It is stuck no more.</summary>
    [JsonStringEnumMemberName("Moving")]
    Moving,
}

/// <summary>An entry of a run's journal.</summary>
/// <param name="Kind">What has happened.</param>
/// <param name="Member">Whom it happened to.</param>
/// <param name="Processor">The processor; null for the whole run.</param>
/// <param name="Error">Why; null if nothing went wrong.</param>
/// <param name="Origin">The processor where it went wrong first.</param>
/// <param name="Start">Which start of the processor it was.</param>
/// <param name="Plan">What the run is, with its begin.</param>
/// <param name="Stream">The stream that is waited for.</param>
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
    /// <summary>Whether it went wrong because a repetition has put out something else.</summary>
    [JsonPropertyName("IsDifference")]
    public bool IsDifference { get; init; }

    /// <summary>Which attempt has failed, from one; zero if this is about none.</summary>
    [JsonPropertyName("Attempt")]
    public int Attempt { get; init; }

    /// <summary>Whether it says how far the run is; who waits for what is forgotten when it was told.</summary>
    [JsonPropertyName("IsLasting")]                  // written, and never read; as IsEnd
    public bool IsLasting => Kind is not (RunEventKind.Stuck or RunEventKind.Idle or RunEventKind.Moving);

    [JsonPropertyName("IsEnd")]
    public bool IsEnd => Kind is RunEventKind.Completed or RunEventKind.Failed or RunEventKind.Cancelled;
}

/// <summary>An entry of a work stream: a processor of a run is to be run.</summary>
internal sealed record WorkOrder(
    [property: JsonPropertyName("Run")] string Run,
    [property: JsonPropertyName("Key")] string Key);

/// <summary>A processor of a run that a partition of its work stream has taken on, as it stands in the partition's state.</summary>
/// <param name="Run">The run.</param>
/// <param name="Key">Of the runs with this id, which: the id of one that was deleted may be used again.</param>
/// <param name="Starts">How often it was started and not handed over.</param>
/// <param name="Ended">Whether it has ended, and only its readers are left to be closed.</param>
/// <param name="Inputs">The sequences to go on from; those that are not there, from the first.</param>
/// <param name="State">What the function has saved last.</param>
internal sealed record Assignment(
    [property: JsonPropertyName("Run")] string Run,
    [property: JsonPropertyName("Key")] string Key,
    [property: JsonPropertyName("Starts")] int Starts,
    [property: JsonPropertyName("Ended")] bool Ended,
    [property: JsonPropertyName("Inputs")] Dictionary<string, long> Inputs,
    [property: JsonPropertyName("State")] byte[]? State)
{
    /// <summary>Why it cannot be run, as what was stored about it cannot be read; null if it can. The key may be unknown then, and it is not known whether it has ended.</summary>
    [JsonPropertyName("Damage")]
    public string? Damage { get; init; }

    /// <summary>How many attempts have failed one behind the other, without progress between them.</summary>
    [JsonPropertyName("Failures")]
    public int Failures { get; init; }

    /// <summary>Whether it has completed, and that is still to be written into the journal: its last value left no room for it in the commit.</summary>
    [JsonPropertyName("IsUntold")]
    public bool IsUntold { get; init; }
}

/// <summary>What a stream's end says about a failure, for those who read on.</summary>
internal sealed record StreamFailure(
    [property: JsonPropertyName("Processor")] string? Processor,
    [property: JsonPropertyName("Error")] string Error,
    [property: JsonPropertyName("IsCancelled")] bool IsCancelled)
{
    /// <summary>Whether a repetition has put out something else.</summary>
    [JsonPropertyName("IsDifference")]
    public bool IsDifference { get; init; }
}

/// <summary>The forms of the records, made by the compiler.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RunEvent))]
[JsonSerializable(typeof(WorkOrder))]
[JsonSerializable(typeof(Assignment))]
[JsonSerializable(typeof(StreamFailure))]
internal sealed partial class RunJson : JsonSerializerContext
{
    private static JsonForm Form => field ??= JsonForm.Of(Default.Options);

    /// <summary>Reads a record as strictly as payloads are read: a member of a record that may not be null must be there.</summary>
    /// <exception cref="JsonException">It is not the record, or a member is missing: a newer version has written it, or it is damaged.</exception>
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

    /// <summary>Reads the failure of a stream; a text in another form, written by a user's code, is the error itself.</summary>
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
