using System.Collections.Concurrent;
using System.Diagnostics;
using Sluice.Graphs;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Graphs;

[Collection(SpanTests.Name)]
public class StepTraceTests
{
    [Fact]
    public async Task ACallIsASpanInTheTraceOfItsCaller()
    {
        using var source = new ActivitySource(nameof(StepTraceTests));
        ConcurrentQueue<Activity> ended = [];
        using ActivityListener listener = Listen(ended);

        using Activity outer = source.StartActivity("outer")!;
        var inner = Step.Of(async () =>
        {
            await Task.Yield();
            throw new FormatException("no");
        }).Named("inner");
        var middle = Step.Of(async () =>
        {
            await Assert.ThrowsAsync<FormatException>(async () => await inner());
            return Activity.Current!.DisplayName;
        }).Named("middle");
        await using StepScope scope = StepScope.Begin();
        Assert.Equal("step middle", await middle());
        await scope.Completion;
        Assert.Same(outer, Activity.Current);

        List<Activity> ours = [.. ended.Where(activity => activity.RootId == outer.RootId)];
        Assert.Equal(["step inner: failed, no", "step middle: succeeded, "],
            ours.Select(activity => $"{activity.DisplayName}: {activity.GetTagItem("sluice.outcome")}, {activity.StatusDescription}"));
        Assert.Equal((ours[1].SpanId, outer.SpanId), (ours[0].ParentSpanId, ours[1].ParentSpanId));
    }

    /// <summary>A client throws such an exception at its own time limit: nobody has cancelled the resolve.</summary>
    [Fact]
    public async Task ANodeThatEndsByTheTimeLimitOfAClientHasFailed()
    {
        using var source = new ActivitySource(nameof(StepTraceTests));
        ConcurrentQueue<Activity> ended = [];
        using ActivityListener listener = Listen(ended);
        using Activity outer = source.StartActivity("outer")!;
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("asks", static async Task (int _) =>
        {
            await Task.Yield();
            throw new TaskCanceledException("The client's time limit is over.");
        });
        await Assert.ThrowsAnyAsync<SluiceException>(
            async () => await builder.Build().ResolveAsync(1, TestContext.Current.CancellationToken));
        Activity span = Assert.Single(ended, activity => activity.RootId == outer.RootId && activity.OperationName == "sluice.node");
        Assert.Equal(("failed", ActivityStatusCode.Error), (span.GetTagItem("sluice.outcome"), span.Status));
    }

    private static ActivityListener Listen(ConcurrentQueue<Activity> ended)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = from => from.Name is "Sluice" or nameof(StepTraceTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
