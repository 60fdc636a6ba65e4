using System.Diagnostics;
using System.Diagnostics.Metrics;
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

    [Fact]
    public async Task ResolvesAreCountedByOutcomeWithAndWithoutTheContext()
    {
        string name = $"counted {Guid.NewGuid()}";
        Dictionary<string, long> counts = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "sluice.graph.resolves") self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            var of = tags.ToArray().ToDictionary(tag => tag.Key, tag => (string)tag.Value!);
            if (of["sluice.graph.name"] == name) counts[of["sluice.outcome"]] = counts.GetValueOrDefault(of["sluice.outcome"]) + count;
        });
        listener.Start();
        GraphBuilder<int> builder = Graph.For<int>(name);
        GraphNode<int> node = builder.Add("node", async n =>
        {
            if (n < 10) await Task.Yield();
            return n % 10 == 1 ? throw new FormatException("no good") : n;
        });
        Graph<int> graph = builder.Build();
        foreach (int request in (int[])[0, 1, 10, 11])
        {
            await Ended(graph.ResolveAsync(request, node, TestContext.Current.CancellationToken).AsTask());
            await Ended(graph.ResolveAsync(request, TestContext.Current.CancellationToken).AsTask());
        }
        await Ended(graph.ResolveAsync(0, node, new(canceled: true)).AsTask());
        await Ended(graph.ResolveAsync(0, new CancellationToken(canceled: true)).AsTask());
        Assert.Equal((4L, 4L, 2L), (counts["completed"], counts["failed"], counts["cancelled"]));

        static Task Ended(Task task) => task.ContinueWith(_ => { }, TestContext.Current.CancellationToken,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
