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

    [Fact]
    public async Task ARequestThatIsNullIsRefusedWithTheNamesOfGraphAndType()
    {
        GraphBuilder<Request> builder = Graph.For<Request>("page");
        GraphNode<string> name = builder.Add("name", request => request.Name);
        Graph<Request> page = builder.Build();

        var refusal = await Assert.ThrowsAsync<ArgumentNullException>(async () => await page.ResolveAsync(null!, Cancellation));
        Assert.StartsWith("The request of the graph 'page' is null, and its nodes take a Request. If a resolve can have no request, ",
            refusal.Message, StringComparison.Ordinal);
        Assert.Equal("n", (await page.ResolveAsync(new(1, "n"), Cancellation)).Get(name));

        GraphBuilder<int?> nullable = Graph.For<int?>();
        GraphNode<int> known = nullable.Add("known", request => request ?? -1);
        Assert.Equal(-1, (await nullable.Build().ResolveAsync(null, Cancellation)).Get(known));
    }

    [Fact]
    public async Task AContextThatIsAskedForTheNodeOfItsRequestSaysWhereTheRequestIs()
    {
        GraphBuilder<Request> builder = Graph.For<Request>("page");
        builder.Add("name", builder.Request, request => request.Name);
        GraphContext<Request> context = await builder.Build().ResolveAsync(new(1, "n"), Cancellation);
        const string Message = "The request is no node of the graph: a context has it as Request.";
        Assert.Equal(Message, Assert.Throws<KeyNotFoundException>(() => context.Get(builder.Request)).Message);
        Assert.Equal(Message, Assert.Throws<KeyNotFoundException>(() => context.Outcome(builder.Request)).Message);
    }

    [Fact]
    public async Task ANodeOfAnotherGraphIsRefusedWithTheNamesOfBothGraphs()
    {
        GraphBuilder<int> first = Graph.For<int>("first"), second = Graph.For<int>("second"), nameless = Graph.For<int>();
        GraphNode<int> price = first.Add("price", n => n), same = second.Add("price", n => 2 * n), other = nameless.Add("price", n => n);
        Graph<int> graph = first.Build();
        GraphContext<int> context = await graph.ResolveAsync(7, Cancellation);

        Assert.Equal("The node price is of the graph 'second', and this is the result of the graph 'first', which has a node of that name, "
            + "too. Ask for its own: graph.Get<int>(\"price\"). (Parameter 'node')",
            Assert.Throws<ArgumentException>(() => context.Get(same)).Message);
        Assert.Contains("a graph without a name", Assert.Throws<ArgumentException>(() => context.Outcome(other)).Message,
            StringComparison.Ordinal);

        GraphNode<int> cost = second.Add("cost", n => n);
        Assert.Equal("The node cost is of the graph 'second', and this is the result of the graph 'first', which has no node of that name.",
            Assert.Throws<KeyNotFoundException>(() => context.Get(cost)).Message);

        // Copies of a graph share its nodes, changed or not.
        Graph<int> changed = graph.With(copy => copy.Get<int>("price").Retry(1));
        Assert.Equal(7, (await changed.ResolveAsync(7, Cancellation)).Get(price));
        Assert.Equal(7, context.Get(changed.Get<int>("price")));
        Graph<int> replaced = graph.With(copy => copy.Add("price", n => -n));
        Assert.Equal(-7, (await replaced.ResolveAsync(7, Cancellation)).Get(price));
    }

    [Fact]
    public async Task AFailureSaysAfterHowManyAttemptsAndAboutNodesThatAreNoParents()
    {
        GraphBuilder<int> builder = Graph.For<int>("page");
        GraphNode<int> late = builder.Add("late", async (int n, CancellationToken cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return n;
        });
        builder.Add("asks", [builder.Add("price", n => n)], context => context.Get(late)).Retry(2, Backoff.None);

        var failed = await Assert.ThrowsAsync<NodeFailedException>(async () => await builder.Build().ResolveAsync(1, Cancellation));
        Assert.Equal("The node asks of the graph 'page' failed after 3 attempts: There is nothing to get: late: running. During a resolve, "
            + "a node may ask for its parents and their ancestors only: is late in the list of its parents?", failed.Message);
    }

    [Fact]
    public void AParentOfAnotherGraphIsRefusedWithTheNamesOfBothGraphs()
    {
        GraphBuilder<int> other = Graph.For<int>("other"), builder = Graph.For<int>("page");
        GraphNode<int> stranger = other.Add("price", n => n);
        builder.Add("price", n => 2 * n);
        builder.Add("label", stranger, n => $"{n}");

        var refusal = Assert.Throws<InvalidTopologyException>(() => builder.Build());

        Assert.Contains("The graph 'page'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("label was given the node price of the graph 'other', and this one has a node of that name, too. Give it "
            + "this graph's node: what Add returned here, or Get<int>(\"price\").", refusal.Message, StringComparison.Ordinal);
    }
}
