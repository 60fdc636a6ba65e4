using System.Diagnostics;
using Sluice.Diagnostics;
using Recorder = Sluice.Diagnostics.Telemetry;

namespace Sluice.Flows;

/// <summary>The telemetry of one start of a processor: the values that its function reads and puts out.</summary>
/// <remarks>
/// Thread-safe. A value that the function puts out belongs to the trace of the function's current span. Outside of the loops that read
/// values, it belongs to the value that was read last, as long as its loop goes on, and else to the trace of the start.
/// </remarks>
/// <param name="processor">The metrics of the processor.</param>
/// <param name="run">The id of the run.</param>
/// <param name="attempt">The number of the attempt.</param>
/// <param name="time">The clock; not the clock of the function, whose readings are stored.</param>
internal sealed class StartTelemetry(ProcessorTelemetry processor, string run, int attempt, TimeProvider time)
{
    private readonly Lock sync = new();
    private ContinuedSpan? span;
    private long began;
    private volatile ValueTrace? last;               // of the value that was read last
    private ReadValue left;                          // its loop was left with it, by a break or a failure; guarded by the lock
    private bool hasLoops;

    /// <summary>The metrics of the processor.</summary>
    public ProcessorTelemetry Processor => processor;

    /// <summary>The function begins.</summary>
    /// <param name="span">The span of the start; null if it has no trace.</param>
    public void Begin(ContinuedSpan? span) => (this.span, began) = (span, ProcessorTelemetry.Begin(time));

    /// <summary>The function reads values in a loop.</summary>
    public void NoteLoop() => hasLoops = true;

    /// <summary>Makes the span of the value that was read last current.</summary>
    /// <param name="outer">The current activity outside of loops.</param>
    public void Enter(Activity? outer)
    {
        Activity? now = last?.Span ?? outer;
        if (!ReferenceEquals(Activity.Current, now)) Activity.Current = now;
    }

    /// <summary>The trace of a value that the function puts out now; null if it has none.</summary>
    public EntryTrace? OfOutput()
    {
        if (Activity.Current is { Recorded: true, IdFormat: ActivityIdFormat.W3C } current && current != span?.Activity)
            return new(current.Context);
        return last?.Context ?? span?.Context;
    }

    /// <summary>Begins the work on a value.</summary>
    /// <param name="stream">The name of its stream in the flow.</param>
    /// <param name="id">Its id.</param>
    /// <param name="headers">Its headers.</param>
    /// <param name="with">The headers of the value that it is paired with.</param>
    public ReadValue Begin(string stream, EntryId id, ReadOnlyMemory<byte> headers, ReadOnlyMemory<byte> with = default)
    {
        ValueTrace? found = null;
        if (headers.Length + with.Length > 0)
        {
            EntryTrace? trace = EntryTrace.FromHeaders(headers.Span), other = EntryTrace.FromHeaders(with.Span);
            if ((trace ?? other) is { } parent) found = Trace(stream, id, parent, trace is null ? null : other);
        }
        if (last != found) last = found;
        return new(ProcessorTelemetry.Begin(time), found);
    }

    /// <summary>Notes a single value, which the function reads outside of a loop, as a link of the start's span.</summary>
    public void Look(ReadOnlyMemory<byte> headers)
    {
        if (span?.Activity is { IsAllDataRequested: true } activity && EntryTrace.FromHeaders(headers.Span) is { } trace)
            span.Link(activity, trace.Context);
    }

    /// <summary>Ends the work on a value: the function has asked for the next one.</summary>
    public void End(ReadValue value, Exception? failure = null)
    {
        processor.Processed(time, value, failure);
        if (value.Trace is not { } trace) return;
        if (last == trace) last = null;
        if (trace.Span is { } open) Recorder.End(open, failure);
    }

    /// <summary>A loop has ended with a value: the function has broken out of it, or has failed (<see cref="Finish"/>).</summary>
    public void Leave(ReadValue value)
    {
        value.Trace?.Span?.SetEndTime(time.GetUtcNow().UtcDateTime);
        if (last == value.Trace) last = null;
        ReadValue before;
        lock (sync) (before, left) = (left, value.Began == 0 ? value : value with { Ended = time.GetTimestamp() });
        End(before);
    }

    /// <summary>The function has ended.</summary>
    /// <param name="failure">Why it has failed; null if it has not.</param>
    public void Finish(Exception? failure)
    {
        ReadValue value;
        lock (sync) (value, left) = (left, default);
        if (!hasLoops) processor.Processed(time, new(began, null), failure);
        End(value, failure);
    }

    private ValueTrace Trace(string stream, EntryId id, EntryTrace parent, EntryTrace? other)
    {
        Activity? started = !Recorder.IsTraced ? null : Recorder.Start("sluice.process", $"process {processor.Name}",
            ActivityKind.Consumer, parent.Context, processor.ProcessTags, other is null ? null : [new(other.Context)]);
        started?.SetTag(TelemetryNames.Destination, stream).SetTag(TelemetryNames.Message, id.ToString())
            .SetTag(TelemetryNames.FlowRun, run).SetTag(TelemetryNames.Attempt, attempt);
        return new(started, started is null ? parent : new(started.Context));
    }
}

/// <summary>A value that a function works on.</summary>
/// <param name="Began">When the function got it; zero if no listener wants durations.</param>
/// <param name="Trace">Its trace; null if it has none.</param>
internal readonly record struct ReadValue(long Began, ValueTrace? Trace)
{
    /// <summary>When the work on it has ended; zero if that is now.</summary>
    public long Ended { get; init; }
}

/// <summary>The trace of a value that a function works on.</summary>
/// <param name="Span">The span of the work; null if no listener records it.</param>
/// <param name="Context">The trace of values that come of it.</param>
internal sealed record ValueTrace(Activity? Span, EntryTrace Context);
