using System.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

public class StepTraceTests
{
    [Fact]
    public async Task ACallIsASpanInTheTraceOfItsCaller()
    {
        using var source = new ActivitySource(nameof(StepTraceTests));
        List<Activity> ended = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = from => from.Name is "Sluice" or nameof(StepTraceTests),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                lock (ended) ended.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);

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
        Assert.Equal("middle", await middle());
        await scope.Completion;
        Assert.Same(outer, Activity.Current);

        List<Activity> ours = [.. ended.Where(activity => activity.RootId == outer.RootId)];
        Assert.Equal(["inner: failed, no", "middle: succeeded, "],
            ours.Select(activity => $"{activity.DisplayName}: {activity.GetTagItem("outcome")}, {activity.StatusDescription}"));
        Assert.Equal((ours[1].SpanId, outer.SpanId), (ours[0].ParentSpanId, ours[1].ParentSpanId));
    }
}
