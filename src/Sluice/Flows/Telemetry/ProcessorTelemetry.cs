using Sluice.Diagnostics;
using Recorder = Sluice.Diagnostics.Telemetry;

namespace Sluice.Flows;

/// <summary>The metrics of a processor: values read, put out and processed. One for all its starts in this process.</summary>
/// <remarks>Thread-safe. Without a listener, each method costs the test of a field; time stamps are zero then.</remarks>
internal sealed class ProcessorTelemetry(string name)
{
    private readonly KeyValuePair<string, object?>[] read = Tags(name, "read", "receive");
    private readonly KeyValuePair<string, object?>[] send = Tags(name, "send", "send");
    private readonly KeyValuePair<string, object?>[] process = Tags(name, "process", "process");

    public string Name => name;

    /// <summary>The attributes of a span that processes a value.</summary>
    public KeyValuePair<string, object?>[] ProcessTags => process;

    /// <summary>The function has got values.</summary>
    public void Consumed(long values)
    {
        if (MessagingInstruments.Consumed.Enabled && values > 0)
            Recorder.Record(static one => MessagingInstruments.Consumed.Add(one.values, one.read), (values, read));
    }

    /// <summary>The function has put out a value.</summary>
    public void Sent()
    {
        if (MessagingInstruments.Sent.Enabled) Recorder.Record(static tags => MessagingInstruments.Sent.Add(1, tags), send);
    }

    /// <summary>The start of the work on a value, for <see cref="Processed"/>; zero if no listener wants durations.</summary>
    public static long Begin(TimeProvider time)
        => !MessagingInstruments.Processing.Enabled ? 0 : time.GetTimestamp() is var now && now != 0 ? now : 1;

    /// <summary>The work on a value has ended.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="value">The value, with the result of <see cref="Begin"/>.</param>
    /// <param name="failure">Why it has failed; null if it has not.</param>
    public void Processed(TimeProvider time, ReadValue value, Exception? failure)
    {
        if (value.Began == 0) return;
        KeyValuePair<string, object?>[] tags = failure is null ? process
            : [.. process, new(TelemetryNames.Error, TelemetryNames.ErrorOf(failure))];
        Recorder.Record(static one => MessagingInstruments.Processing.Record(one.Item1, one.tags),
            (time.GetElapsedTime(value.Began, value.Ended == 0 ? time.GetTimestamp() : value.Ended).TotalSeconds, tags));
    }

    private static KeyValuePair<string, object?>[] Tags(string processor, string operation, string type) =>
    [
        new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.Operation, operation),
        new(TelemetryNames.OperationType, type), new(TelemetryNames.Processor, processor),
    ];
}
