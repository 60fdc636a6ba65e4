using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>Traces that come from another process, or from a store.</summary>
[Collection(SpanTests.Name)]
public sealed class ContinuedTraceTests
{
    private static ContinuedSpan Begin(ActivityContext parent)
        => ContinuedSpan.Begin("sluice.function", "function f", ActivityKind.Internal, parent, static () => []);

    [Fact]
    public void WithoutAListenerTheCodeHasTheTraceAndWhatComesOfItIsBelowTheParentThatCollectorsKnow()
    {
        using var log = new SpanLog(records: false);
        ActivityContext parent = log.Sender.Context;
        Activity.Current = null;
        ContinuedSpan span = Begin(parent);

        Assert.Null(Activity.Current);
        Assert.Equal((parent.TraceId, parent.SpanId, "vendor=1"),
            (span.Activity.TraceId, span.Activity.ParentSpanId, span.Activity.TraceStateString));
        Assert.Equal(parent.SpanId, span.Context.Context.SpanId);
        span.End(null);
    }

    [Fact]
    public void ASpanIsLinkedOnceWithEachOtherOneUpToALimitAndNotWithItsParent()
    {
        using var log = new SpanLog();
        ContinuedSpan span = Begin(log.Sender.Context);
        ActivityContext other = Other();
        span.Link(span.Activity, log.Sender.Context);
        for (int i = 0; i < 2; i++) span.Link(span.Activity, other);
        Assert.Equal(other.SpanId, Assert.Single(span.Activity.Links).Context.SpanId);
        for (int i = 0; i < 200; i++) span.Link(span.Activity, Other());
        Assert.Equal(128, span.Activity.Links.Count());
        span.End(null);

        static ActivityContext Other()
            => new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
    }
}
