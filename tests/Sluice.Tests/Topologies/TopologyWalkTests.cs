using Sluice.Topologies;

namespace Sluice.Tests.Topologies;

public class TopologyWalkTests
{
    private readonly Topology airports = Graphs.Airports();

    [Fact]
    public void NodesAreFoundByNameAndErrorsSuggestSimilarNames()
    {
        Assert.Equal(2, airports.Find("Geocode").Id);
        Assert.Equal("(string, string) -> string", airports.Find("Geocode").Signature);
        Assert.False(airports.TryFind("geocode", out _));
        Assert.Equal("There is no node \"ToFiles\". Near it: ToFile.", Message("ToFiles"));
        Assert.Equal("There is no node \"database\". Near it: ToDatabase.", Message("database"));
        Assert.Equal("There is no node \"x\". There are 6, among them airports, AllPairs, Geocode, Distance, ToDatabase.", Message("x"));

        string Message(string name) => Assert.Throws<KeyNotFoundException>(() => airports.Find(name)).Message;
    }

    [Fact]
    public void WalksGoUpAndDownNearestFirst()
    {
        var distance = airports.Find("Distance");

        Assert.Equal(["Geocode"], airports.Upstream(distance).Select(node => node.Name));
        Assert.Equal(["ToDatabase", "ToFile"], airports.Downstream(distance).Select(node => node.Name));
        Assert.Equal(["Geocode", "AllPairs", "airports"], airports.AllUpstream(distance).Select(node => node.Name));
        Assert.Equal(5, airports.AllDownstream(airports.Find("airports")).Count());
        Assert.Equal("Distance -> ToFile", airports.Outgoing(distance)[1].ToString());
    }

    [Fact]
    public void TheOrderPutsEveryNodeAfterItsUpstream()
    {
        var builder = new TopologyBuilder();
        foreach (var name in "abcd") builder.Add("step", name: name.ToString());
        foreach (var edge in new[] { "da", "cb", "ab" }) builder.Connect(edge[..1], edge[1..]);

        Assert.Equal("cdab", string.Concat(builder.Build().InOrder().Select(node => node.Name)));
    }

    [Fact]
    public void ANodeOfAnotherTopologyIsAnError()
    {
        var other = Graphs.Airports().Find("Geocode");

        Assert.Contains("another topology", Assert.Throws<ArgumentException>(() => airports.Upstream(other)).Message,
            StringComparison.Ordinal);
    }

    // Recursion would overflow the stack here, and a quadratic algorithm would exceed the time limit of the tests.
    [Fact]
    public void AHundredThousandNodesAreBuiltWalkedAndDrawn()
    {
        const int Count = 100_000;
        foreach (var graph in new[] { Graphs.Chain(Count), Graphs.Ladder(Count), Graphs.Comb(Count) })
        {
            Assert.Equal(graph.Nodes.Count - 1, graph.AllDownstream(graph.Nodes[0]).Count());
            Assert.Equal(graph.Nodes.Count, graph.InOrder().Count);
            Assert.True(graph.ToText().Length < Count * 200);
            Assert.True(graph.ToText(node => "x").Length < Count * 200);
            Assert.NotEmpty(graph.ToDot() + graph.ToMermaid());
        }
    }

    [Fact]
    public void AHundredThousandNodesInARingAreOneReadableError()
    {
        var builder = new TopologyBuilder();
        for (var i = 0; i < 100_000; i++) builder.Add("step");
        for (var i = 0; i < 100_000; i++) builder.Connect(i, (i + 1) % 100_000);

        var error = Assert.Throws<InvalidTopologyException>(() => builder.Build());

        Assert.Contains("step-1 -> step-2 ->", error.Message, StringComparison.Ordinal);
        Assert.Contains("… (99988 more) -> step-100000 -> step-1.", error.Message, StringComparison.Ordinal);
    }
}
