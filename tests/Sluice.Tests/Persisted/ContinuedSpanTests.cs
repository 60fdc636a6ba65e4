using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Tests.Persisted;

/// <summary>Spans that continue a trace which was stored or sent.</summary>
public class ContinuedSpanTests
{
    private static readonly ActivityContext Parent = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(),
        ActivityTraceFlags.Recorded);

    [Fact]
    public void ASpanHasNoMoreLinksThanCollectorsKeepAndNoneToItsParent()
    {
        ContinuedSpan continued = ContinuedSpan.Begin("sluice.test", "test", ActivityKind.Consumer, Parent, static () => []);
        continued.Link(continued.Activity, Parent);
        Assert.Empty(continued.Activity.Links);
        for (int i = 0; i < 200; i++)
            continued.Link(continued.Activity, new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(),
                ActivityTraceFlags.Recorded));
        Assert.Equal(128, continued.Activity.Links.Count());
    }

    [Fact]
    public void ACarrierWithoutAListenerDoesNotBecomeCurrent()
    {
        using var outer = new Activity("outer");
        outer.Start();
        ContinuedSpan continued = ContinuedSpan.Begin("sluice.unheard", "test", ActivityKind.Consumer, Parent, static () => []);
        Assert.Same(outer, Activity.Current);
        Assert.Equal(Parent.TraceId, continued.Activity.TraceId);
    }
}
