using System.Diagnostics;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>Tests that listen to spans run alone: a listener records what it samples for all of the process.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SpanTests
{
    public const string Name = "spans";
}

/// <summary>Records the spans of one test: those of the trace of its own activity, as other tests run at the same time.</summary>
internal sealed class SpanLog : IDisposable
{
    private const string State = "vendor=1";

    private readonly List<Activity> ended = [];
    private readonly ActivityListener listener;
    private int open;                                // under the lock of the list

    /// <param name="records">Whether the sampler records spans.</param>
    /// <param name="without">The operation whose spans the sampler leaves out; null for none.</param>
    public SpanLog(bool records = true, string? without = null)
    {
        Sender = new Activity("sender") { ActivityTraceFlags = ActivityTraceFlags.Recorded };
        Sender.Start();
        Sender.TraceStateString = State;
        listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "Sluice",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => records && options.TraceId == Sender.TraceId
                && options.Name != without ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStarted = span =>
            {
                lock (ended) open += span.TraceId == Sender.TraceId ? 1 : 0;
            },
            ActivityStopped = span =>
            {
                lock (ended)
                {
                    ended.Add(span);
                    open -= span.TraceId == Sender.TraceId ? 1 : 0;
                    Monitor.PulseAll(ended);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
    }

    /// <summary>The current activity of the test.</summary>
    public Activity Sender { get; }

    /// <summary>
    /// The spans, in the order of their start. Waits until all that have begun have ended: the span of a node ends a moment after its item.
    /// </summary>
    public IReadOnlyList<Activity> Spans
    {
        get
        {
            lock (ended)
            {
                while (open > 0)
                    if (!Monitor.Wait(ended, TimeSpan.FromMinutes(2))) Assert.Fail($"{open} spans have begun and do not end.");
                return [.. ended.Where(span => span.TraceId == Sender.TraceId).OrderBy(static span => span.StartTimeUtc)];
            }
        }
    }

    /// <summary>The spans as lines, each indented below its parent; siblings in ordinal order. Says which ones have lost the
    /// <c>tracestate</c> of the sender.</summary>
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
                .Prepend($"{indent}{span.DisplayName}{ErrorOf(span)}{(span.TraceStateString == State ? "" : " without its tracestate")}"));

    private static string ErrorOf(Activity span)
        => span.Status == ActivityStatusCode.Error ? $" ! {span.GetTagItem("error.type")}" : "";
}
