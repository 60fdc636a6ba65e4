using System.Globalization;
using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

/// <summary>A node that asks its context for a node which may not have ended.</summary>
public class MissingParentTests
{
    private const string Nodes = """
        GraphBuilder<int> graph = Graph.For<int>("page");
        var price = graph.Add("price", n => n).Retry(2);
        GraphNode<int> stock = graph.Add("stock", graph.Request, (int n) => n);
        var both = graph.Add("both", price, stock, (int a, int b) => a + b);
        var list = graph.Add("list", [both], context => context.Get(both));

        """;

    [Theory]
    [InlineData("graph.Add(\"x\", [price], context => context.Get([|stock|]));")]
    [InlineData("graph.Add(\"x\", [price], async (context, token) => { await Task.Yield(); return context.Get([|stock|]); });")]
    [InlineData("graph.Add(\"x\", new GraphNode[] { price, stock }, context => context.Get([|both|])).Optional();")]
    [InlineData("var x = graph.Add(\"x\", [graph.Request, stock], context => new[] { 1 }.Select(n => n + context.Get([|price|])).Sum());")]
    [InlineData("graph.Add(\"x\", [stock], context => context.Outcome([|list|]).Attempts);")]
    public async Task ANodeThatIsNeitherParentNorAncestorIsReported(string statement)
    {
        Diagnostic report = Assert.Single(await Snippet.CheckAsync<MissingParentAnalyzer>(Snippet.InMethod(Nodes + statement), "SLU036"));
        Assert.Equal(DiagnosticSeverity.Warning, report.Severity);
        Assert.Contains("is no parent of this node, nor an ancestor, and may not have ended when it asks: write it into the list of the "
            + "parents, [", report.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("graph.Add(\"x\", [price, stock], context => context.Get(price) + context.Get(stock));")]
    [InlineData("graph.Add(\"x\", [list], context => context.Get(price) + context.Get(stock) + context.Get(both));")]
    [InlineData("GraphNode[] parents = [price]; graph.Add(\"x\", parents, context => context.Get(stock));")]
    [InlineData("GraphNode[] parents = [price]; graph.Add(\"x\", [.. parents, both], context => context.Get(list));")]
    [InlineData("GraphNode<int> late = price; late = list; graph.Add(\"x\", [late], context => context.Get(stock));")]
    [InlineData("var other = Make(graph); graph.Add(\"x\", [other], context => context.Get(stock));")]
    [InlineData("graph.Add(\"x\", [price], context => graph.Build().ResolveAsync(1).AsTask().Result.Get(stock));")]
    [InlineData("GraphContext<int> done = graph.Build().ResolveAsync(1).AsTask().Result; Console.WriteLine(done.Get(stock));")]
    [InlineData("GraphNode<int>[] parts = [price, stock]; graph.Add(\"x\", [price, stock], context => parts.Sum(part => "
        + "context.Get(part)));")]
    [InlineData("var chosen = DateTime.Now.Ticks > 0 ? price : stock; graph.Add(\"x\", [price, stock], context => context.Get(chosen));")]
    [InlineData("var alias = price; graph.Add(\"x\", [price], context => context.Get(alias));")]
    [InlineData("foreach (var part in new[] { price }) graph.Add(\"x\", [price], context => context.Get(part));")]
    [InlineData("kept = graph.Add(\"kept\", n => n); graph.Add(\"x\", [price], context => context.Get(kept));")]
    [InlineData("Known = price; graph.Add(\"x\", [price], context => context.Get(Known));")]
    [InlineData("graph.Add(\"x\", [price], context => Read(context)); int Read(GraphContext<int> read) => read.Get(stock);")]
    public Task WhatIsAnAncestorOrCannotBeKnownIsNotReported(string statement)
        => Snippet.CheckAsync<MissingParentAnalyzer>(Snippet.InMethod(Nodes + statement,
            """
            static GraphNode<int> Make(GraphBuilder<int> builder) => builder.Add("made", n => n);
            static GraphNode<int> kept = null!;
            static GraphNode<int> Known { get; set; } = null!;
            """), "SLU036");
}
