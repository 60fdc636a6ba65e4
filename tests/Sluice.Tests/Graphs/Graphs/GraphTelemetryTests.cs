using System.Diagnostics;
using Sluice.Graphs;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Graphs;

/// <remarks>Other tests run at the same time: the spans here have a parent of their own.</remarks>
[Collection(SpanTests.Name)]
public class GraphTelemetryTests
{
    [Fact]
    public async Task SpansNestFromCallerToResolveToNodeToItsCalls()
    {
        using var source = new ActivitySource("caller of graphs");
        List<Activity> stopped = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = each => each.Name is "Sluice" or "caller of graphs",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (stopped) stopped.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        GraphBuilder<int> builder = Graph.For<int>("page");
        GraphNode<int> price = builder.Add("price", async (n, _) =>
        {
            using (source.StartActivity("http")) await Task.Yield();
            return n;
        });
        builder.Add("late", price, n => n == 2 ? throw new FormatException("no good") : n);
        Graph<int> graph = builder.Build();

        using (Activity caller = source.StartActivity("caller")!)
        {
            await graph.ResolveAsync(1, TestContext.Current.CancellationToken);
            Assert.Same(caller, Activity.Current);
            await Assert.ThrowsAsync<NodeFailedException>(async () => await graph.ResolveAsync(2, TestContext.Current.CancellationToken));
            Activity[] mine;
            lock (stopped) mine = [.. stopped.Where(span => span.TraceId == caller.TraceId)];
            Assert.Equal(
            [
                "http < node price", "node price < graph page", "node late < graph page",
                    "graph page < caller",
                "http < node price", "node price < graph page", "node late < graph page: no good",
                "graph page < caller: The node late of the graph 'page' failed: no good",
            ], mine.Select(span =>
                $"{span.DisplayName} "
                + $"< {mine.Append(caller).Single(other => other.SpanId == span.ParentSpanId).DisplayName}{(span.StatusDescription is { } problem ? $": {problem}" : "")}"));
        }
    }
}
