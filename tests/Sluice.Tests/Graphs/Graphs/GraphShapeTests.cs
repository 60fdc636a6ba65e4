using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

/// <summary>The shapes that a graph may have, and the graphs that a change makes of it.</summary>
public class GraphShapeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void AnErrorNamesTheNodesOfAnInvalidGraph()
    {
        GraphBuilder<int> twice = Graph.For<int>();
        twice.Add("a", n => n);
        twice.Add("a", n => n);
        Assert.Contains("a", Assert.Throws<InvalidTopologyException>(() => twice.Build()).Message, StringComparison.Ordinal);

        Assert.Equal("The graph has no nodes. Add some.", Assert.Throws<InvalidTopologyException>(() => Graph.For<int>().Build()).Message);

        GraphBuilder<int> foreign = Graph.For<int>();
        GraphNode<int> elsewhere = Graph.For<int>().Add("elsewhere", n => n);
        foreign.Add("child", elsewhere, n => n);
        Assert.Contains("elsewhere", Assert.Throws<InvalidTopologyException>(() => foreign.Build()).Message, StringComparison.Ordinal);

        (Graph<int> graph, _, GraphNode<int> b, _) = Chain();
        GraphNode<int>? c = null;
        var circle = Assert.Throws<InvalidTopologyException>(() => graph.With(changed =>
        {
            c = changed.Add("c", b, n => n);
            changed.Add("a", c, n => n);
        }));
        Assert.Contains("a -> b -> c -> a", circle.Message, StringComparison.Ordinal);

        var typed = Assert.Throws<InvalidTopologyException>(() => graph.With(changed => changed.Add("a", n => $"{n}")));
        Assert.Equal("b takes int from a, which produces string.", typed.Message);
    }

    /// <summary>A program has several graphs, so the message begins with the one that is wrong.</summary>
    [Fact]
    public void AnErrorNamesTheGraph()
    {
        GraphBuilder<int> page = Graph.For<int>("page");
        Assert.Equal("The graph 'page' has no nodes. Add some.", Assert.Throws<InvalidTopologyException>(() => page.Build()).Message);
        page.Add("b", page.Add("a", n => n), n => n);
        Graph<int> graph = page.Build();
        var typed = Assert.Throws<InvalidTopologyException>(() => graph.With(changed => changed.Add("a", n => $"{n}")));
        Assert.Equal("The graph 'page' is not valid: b takes int from a, which produces string.", typed.Message);
        page.Add("a", n => n);
        page.Add("b", n => n);
        var two = Assert.Throws<InvalidTopologyException>(() => page.Build());
        Assert.StartsWith("The graph 'page' has 2 problems:\n- Two nodes were given the name \"a\".", two.Message,
            StringComparison.Ordinal);
        Assert.StartsWith("Two nodes", two.Problems[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChangingAGraphLeavesTheOriginalAsItWas()
    {
        (Graph<int> graph, GraphNode<int> a, GraphNode<int> b, GraphNode<int> c) = Chain();
        Graph<int> replaced = graph.With(changed => changed.Add("b", a, n => n * 10));
        Graph<int> longer = graph.With(changed => changed.Add("d", c, n => n + 1000));
        Graph<int> shorter = graph.Without("c");

        Assert.Equal(4, (await graph.ResolveAsync(1, Cancellation)).Get(c));
        Assert.Equal(21, (await replaced.ResolveAsync(1, Cancellation)).Get(c));
        Assert.Equal(20, (await replaced.ResolveAsync(1, Cancellation)).Get(b));
        Assert.Equal(1004, (await longer.ResolveAsync(1, Cancellation))["d"]);
        GraphContext<int> context = await shorter.ResolveAsync(1, Cancellation);
        Assert.Equal(3, context.Get(b));
        Assert.Equal("There is no node \"c\". Near it: a, b.", Assert.Throws<KeyNotFoundException>(() => context.Get(c)).Message);
        Assert.Throws<KeyNotFoundException>(() => graph.Without("e"));
        Assert.Contains("b", Assert.Throws<InvalidTopologyException>(() => graph.Without("b")).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => a.Optional());
    }

    [Fact]
    public async Task ANodeIsFoundByItsName()
    {
        (Graph<int> graph, GraphNode<int> a, _, _) = Chain();
        Graph<int> longer = graph.With(changed => changed.Add("d", changed.Get<int>("a"), changed.Get<int>("c"),
            (first, last) => $"{first} {last}"));
        GraphContext<int> context = await longer.ResolveAsync(1, Cancellation);
        Assert.Equal($"{context.Get(a)} {context["c"]}", context.Get(longer.Get<string>("d")));
        Assert.Equal("The node d produces string, not int.", Assert.Throws<InvalidOperationException>(() => longer.Get<int>("d")).Message);
        Assert.Equal("There is no node \"e\". Near it: a, b, c, d.",
            Assert.Throws<KeyNotFoundException>(() => longer.Get<int>("e")).Message);
    }

    [Fact]
    public async Task AChangedGraphMayGiveANodeOtherOptions()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        int running = 0, calls = 0;
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        GraphNode<int> price = builder.Add("price", async n =>
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            calls++;
            if (n == 2) await go.Task;
            Interlocked.Decrement(ref running);
            return n == 1 ? throw new FormatException("no good") : n;
        }).Limit(1).Retry(1);
        Graph<int> graph = builder.Build();
        Graph<int> patient = graph.With(changed => changed.Get<int>("price").Retry(2).Timeout(TimeSpan.FromDays(1)).Optional());
        Assert.Equal("price (retry 1, limit 1)", graph.ToString());
        Assert.Equal("price (retry 2, timeout 24 h, limit 1, optional)", patient.ToString());
        await Assert.ThrowsAsync<NodeFailedException>(async () => await graph.ResolveAsync(1, Cancellation));
        GraphContext<int> context = await patient.ResolveAsync(1, Cancellation);
        Assert.Equal((5, 3, NodeStatus.Failed), (calls, context.Outcome(price).Attempts, context.Outcome(price).Status));

        // Both graphs share one limit, unless the change sets a new one.
        ValueTask<GraphContext<int>> first = graph.ResolveAsync(2, Cancellation), second = patient.ResolveAsync(3, Cancellation);
        Assert.Equal(6, calls);
        go.SetResult();
        Assert.Equal((2, 3), ((await first).Get(price), (await second).Get(price)));
        Assert.Equal("price (retry 1, limit 4)", graph.With(changed => changed.Get<int>("price").Limit(4)).ToString());
        Assert.Contains("graph.With(changed => changed.Get<int>(\"price\")",
            Assert.Throws<InvalidOperationException>(() => price.Optional()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MessagesAreAboutNodesThatWaitForEachOther()
    {
        GraphBuilder<int> other = Graph.For<int>();
        GraphNode<int> foreign = other.Add("x", n => n);
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("b", foreign, n => n);
        Assert.Equal("'b' depends on 'x', which this graph does not have: it was added to another graph, or removed.",
            Assert.Throws<InvalidTopologyException>(() => builder.Build()).Message);

        builder.Add("x", n => n);
        builder.Add("x", n => n);
        Assert.Equal("Two nodes were given the name \"x\". Rename one of them.",
            Assert.Throws<InvalidTopologyException>(() => builder.Build()).Message);
    }

    [Fact]
    public void ANameThatIsGivenTwiceIsNoCycle()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> first = builder.Add("x", n => n);
        builder.Add("x", first, n => n);
        Assert.Equal("Two nodes were given the name \"x\". Rename one of them.",
            Assert.Throws<InvalidTopologyException>(() => builder.Build()).Message);
    }

    [Theory]
    [InlineData(NodeStatus.Succeeded, 1, 1, "x: succeeded")]
    [InlineData(NodeStatus.Succeeded, 1, 3, "x: succeeded after 3 attempts")]
    [InlineData(NodeStatus.Succeeded, null, 2, "x: produced nothing after 2 attempts")]
    [InlineData(NodeStatus.NotStarted, null, 0, "x: not started")]
    [InlineData(NodeStatus.Cancelled, null, 2, "x: cancelled")]
    public void AnOutcomeSaysHowManyAttemptsItTook(NodeStatus status, int? value, int attempts, string text)
        => Assert.Equal(text, new NodeOutcome("x", status, value, null, attempts, default, default, null).ToString());

    [Fact]
    public async Task OnlyDifferentValuesOfOneNameAreAConflict()
    {
        Assert.Equal("blue", (await Colours("blue", "blue").ResolveAsync(0, Cancellation)).Merged["colour"]);
        GraphContext<int> other = await Colours("blue", "red").ResolveAsync(0, Cancellation);
        var conflict = Assert.Throws<MergeConflictException>(() => other.Merged);
        Assert.Equal(("colour", "first", "second"), (conflict.Key, conflict.First, conflict.Second));
        Assert.Equal("red", (await Colours("blue", "red", new() { LastWins = true }).ResolveAsync(0, Cancellation)).Merged["colour"]);

        static Graph<int> Colours(string first, string second, GraphOptions? options = null)
        {
            GraphBuilder<int> builder = Graph.For<int>();
            builder.Add("first", _ => new { Colour = first });
            builder.Add("second", _ => new Dictionary<string, string> { ["colour"] = second });
            return builder.Build(options);
        }
    }

    [Fact]
    public async Task MergeNamesTheMemberThatIsMissingOrHasAnotherType()
    {
        (Graph<int> graph, _, _, _) = Chain();
        GraphContext<int> context = await graph.ResolveAsync(1, Cancellation);
        Assert.Equal(new View(2, 4), context.Merge<View>());
        Assert.Equal("Other takes E, which nothing produced. There are: a, b, c.",
            Assert.Throws<InvalidOperationException>(() => context.Merge<Other>()).Message);
        Assert.Equal("Text takes A as string, and int was produced.",
            Assert.Throws<InvalidOperationException>(() => context.Merge<Text>()).Message);
    }

    [Fact]
    public void AGraphDrawsItself()
    {
        (Graph<int> graph, _, _, GraphNode<int> c) = Chain();
        Assert.Equal("a | b | c", graph.ToString());
        Assert.Contains("-->", graph.Topology.ToMermaid(), StringComparison.Ordinal);
        Assert.Equal("a | b | c | d (retry 2, optional)",
            graph.With(changed => changed.Add("d", c, n => n).Retry(2).Optional()).ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GraphsOfAHundredThousandNodesResolve(bool isDeep)
    {
        const int Count = 100_000;
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> first = builder.Add("0", n => n), last = first;
        for (int i = 1; i < Count; i++)
        {
            GraphNode<int> parent = isDeep ? last : first;
            last = i % 1000 == 0 ? builder.Add($"{i}", parent, n => Later(n)) : builder.Add($"{i}", parent, n => n + 1);
        }
        GraphContext<int> context = await builder.Build().ResolveAsync(0, Cancellation);
        Assert.Equal(isDeep ? Count - 1 : 1, context.Get(last));

        static async ValueTask<int> Later(int n)
        {
            await Task.Yield();
            return n + 1;
        }
    }

    private static (Graph<int> Graph, GraphNode<int> A, GraphNode<int> B, GraphNode<int> C) Chain()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> a = builder.Add("a", n => n + 1), b = builder.Add("b", a, n => n + 1), c = builder.Add("c", b, n => n + 1);
        return (builder.Build(), a, b, c);
    }

    private sealed record View(int A, int C);

    private sealed record Other(int A, int E);

    private sealed record Text(string A);
}
