using System.Diagnostics;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>Records the spans of one test: those of the trace of its own activity, as other tests run at the same time.</summary>
internal sealed class SpanLog : IDisposable
{
    private readonly List<Activity> ended = [];
    private readonly ActivityListener listener;

    public SpanLog(bool records = true)
    {
        Sender = new Activity("sender") { ActivityTraceFlags = ActivityTraceFlags.Recorded };
        Sender.Start();
        listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Sluice",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => records && options.TraceId == Sender.TraceId
                ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = span =>
            {
                lock (ended) ended.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
    }

    /// <summary>The current activity of the test.</summary>
    public Activity Sender { get; }

    /// <summary>The spans that have ended, in the order of their start.</summary>
    public IReadOnlyList<Activity> Spans
    {
        get { lock (ended) return [.. ended.Where(span => span.TraceId == Sender.TraceId).OrderBy(static span => span.StartTimeUtc)]; }
    }

    /// <summary>The spans as lines, each indented below its parent; siblings in ordinal order.</summary>
    public string Tree => string.Join('\n', Lines(Spans, Sender.SpanId, ""));

    public Activity this[string name] => Assert.Single(Spans, span => span.DisplayName == name);

    public void Dispose()
    {
        listener.Dispose();
        Sender.Dispose();
    }

    private static IEnumerable<string> Lines(IReadOnlyList<Activity> spans, ActivitySpanId parent, string indent)
        => spans.Where(span => span.ParentSpanId == parent).OrderBy(static span => span.DisplayName, StringComparer.Ordinal)
            .SelectMany(span => Lines(spans, span.SpanId, indent + "  ")
                .Prepend($"{indent}{span.DisplayName}{ErrorOf(span)}"));

    private static string ErrorOf(Activity span)
        => span.Status == ActivityStatusCode.Error ? $" ! {span.GetTagItem("error.type")}" : "";
}
