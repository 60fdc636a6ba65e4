using System.Diagnostics;

namespace Sluice.Diagnostics;

/// <summary>A span of user code whose trace comes from another process, or from what a store holds.</summary>
/// <remarks>
/// If no listener records it, an activity that nothing exports takes its place, so that the code's own spans have the trace. Thread-safe.
/// </remarks>
internal sealed class ContinuedSpan
{
    private const int MaxLinks = 128;                // OpenTelemetry drops further links

    private readonly Lock sync = new();
    private int links;

    private ContinuedSpan(Activity activity, ActivityContext context) => (Activity, Context) = (activity, new(context));

    /// <summary>The span, or the activity in its place.</summary>
    public Activity Activity { get; }

    /// <summary>The trace of what comes of the code.</summary>
    public EntryTrace Context { get; }

    /// <summary>Begins a span in a trace.</summary>
    /// <param name="operation">The kind of the span.</param>
    /// <param name="name">The name of the span.</param>
    /// <param name="kind">The kind of the span for OpenTelemetry.</param>
    /// <param name="trace">The trace, as a W3C <c>traceparent</c>; null if there is none.</param>
    /// <param name="state">Its <c>tracestate</c>; null if there is none.</param>
    /// <param name="tags">The attributes.</param>
    /// <returns>Null if there is no trace, or one that cannot be read.</returns>
    public static ContinuedSpan? Begin(string operation, string name, ActivityKind kind, string? trace, string? state,
        Func<KeyValuePair<string, object?>[]> tags)
    {
        return EntryTrace.Parse(trace, state) is { } parent ? Begin(operation, name, kind, parent.Context, tags) : null;
    }

    /// <summary>Begins a span below another one.</summary>
    public static ContinuedSpan Begin(string operation, string name, ActivityKind kind, ActivityContext parent,
        Func<KeyValuePair<string, object?>[]> tags)
    {
        if (Telemetry.IsTraced && Telemetry.Start(operation, name, kind, parent, tags()) is { } span) return new(span, span.Context);
        var outer = CurrentActivity.Note();
        var carrier = new Activity(operation) { TraceStateString = parent.TraceState, IsAllDataRequested = false };
        carrier.SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags).Start();
        outer.Restore();
        return new(carrier, parent);
    }

    /// <summary>Ends the span.</summary>
    public void End(Exception? failure) => Telemetry.End(Activity, failure);

    /// <summary>Links a span with another one, once, up to a limit.</summary>
    public void Link(Activity span, ActivityContext to)
    {
        lock (sync)
        {
            if (links == MaxLinks || to.SpanId == Activity.ParentSpanId) return;
            foreach (ActivityLink known in span.Links)
                if (known.Context.SpanId == to.SpanId) return;
            links++;
            span.AddLink(new(to));
        }
    }
}
