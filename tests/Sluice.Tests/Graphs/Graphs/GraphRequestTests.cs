using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

/// <summary>The request as one of the parents of a node, and lists of parents.</summary>
public class GraphRequestTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private sealed record Request(int Id, string Name);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ANodeTakesTheRequestAndTheResultsOfItsParents(bool waits)
    {
        GraphBuilder<Request> builder = Graph.For<Request>();
        GraphNode<int> price = builder.Add("price", async request =>
        {
            if (waits) await Task.Yield();
            return request.Id * 10;
        });
        GraphNode<string> label = builder.Add("label", builder.Request, price, (request, p) => $"{request.Name}: {p}");
        GraphNode<string> late = builder.Add("late", label, builder.Request, async (text, request, cancellation) =>
        {
            await Task.Yield();
            return $"{text} for {request.Id}";
        });
        GraphNode<int> root = builder.Add("root", builder.Request, request => request.Id).Needs();
        GraphNode<string> all = builder.Add("all", [price, builder.Request, late], context => $"{context.Request.Id} {context.Get(late)}");
        Graph<Request> graph = builder.Build(new() { RecordTimings = waits });
        for (int id = 1; id < 20; id++)
        {
            GraphContext<Request> context = await graph.ResolveAsync(new(id, "n"), Cancellation);
            Assert.Equal($"{id} n: {id * 10} for {id}", context.Get(all));
            Assert.Equal(id, context.Get(root));
            Assert.Equal(5, context.Outcomes.Count);
            Assert.Equal(["root", "all"], context.Leaves.Keys);
            Assert.Equal(5, context.Merged.Count);
            _ = context.Topology.ToText();
        }
        Assert.Equal(["price -> label", "label -> late", "price -> all", "late -> all"],
            graph.Topology.Edges.Select(edge => $"{edge.From.Name} -> {edge.To.Name}"));

        Graph<Request> changed = graph.With(change => change.Add("label", change.Request, change.Get<int>("price"),
            (request, p) => $"{p}{request.Name}"));
        Assert.Equal("3 30n for 3", (await changed.ResolveAsync(new(3, "n"), Cancellation)).Get(all));
    }

    [Fact]
    public async Task ARequestMayBeAStruct()
    {
        GraphBuilder<(int A, int B)> builder = Graph.For<(int A, int B)>();
        GraphNode<int> sum = builder.Add("sum", builder.Add("one", _ => 1).Optional(), builder.Request,
            (one, request) => one + request.A + request.B);
        Assert.Equal(6, (await builder.Build().ResolveAsync((2, 3), Cancellation)).Get(sum));
    }

    [Fact]
    public void TheRequestIsNoNode()
    {
        GraphBuilder<Request> builder = Graph.For<Request>();
        GraphNode<int> price = builder.Add("price", request => request.Id);
        builder.Add("label", builder.Request, price, (request, p) => p);
        Assert.Equal("The request is no node, and has no options: set them where the node is that takes it.",
            Assert.Throws<InvalidOperationException>(() => builder.Request.Optional()).Message);
        Assert.Equal("the request", builder.Request.ToString());
        builder.Add("other", Graph.For<string>().Request, text => text);
        Assert.Equal("other takes string from the request, which is Request.",
            Assert.Throws<InvalidTopologyException>(() => builder.Build()).Message);
    }

    [Fact]
    public async Task ANodeWithAListOfParentsMayBeSynchronous()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int>[] parents = [.. Enumerable.Range(0, 6).Select(i => builder.Add($"n{i}", n => n + i))];
        GraphNode<int> sum = builder.Add("sum", parents, context => parents.Sum(context.Get));
        GraphNode<int> later = builder.Add("later", parents, async context =>
        {
            await Task.Yield();
            return parents.Sum(context.Get);
        });
        GraphNode<int> value = builder.Add("value", parents, context => new ValueTask<int>(context.Request));
        builder.Add("end", [sum, later], async context => await Task.Yield());
        GraphContext<int> context = await builder.Build().ResolveAsync(1, Cancellation);
        Assert.Equal((21, 21, 1), (context.Get(sum), context.Get(later), context.Get(value)));
    }
}
