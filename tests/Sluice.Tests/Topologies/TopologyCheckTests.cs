using Sluice.Topologies;

namespace Sluice.Tests.Topologies;

public class TopologyCheckTests
{
    [Fact]
    public void ADuplicateNameIsReportedWithThePathsToBothNodes()
    {
        var builder = new TopologyBuilder();
        var source = builder.Add("source", hint: "orders");
        var first = builder.Add("map", name: "clean", input: typeof(int));
        var second = builder.Add("map", name: "clean", input: typeof(int));
        builder.Connect(source, first);
        builder.Connect(first, second);

        Assert.Equal(
            "Two nodes were given the name \"clean\": orders | clean, and orders | clean | clean. "
            + "Given names must be unique: rename one of them. Where one piece is used twice, name each use, 'piece | Stage.Named(…)', or "
            + "leave the name out.", Error(builder));
    }

    [Fact]
    public void EachStronglyConnectedPartReportsItsShortestCycle()
    {
        var builder = new TopologyBuilder();
        foreach (var name in "abcdefg") builder.Add("step", name: name.ToString());
        foreach (var edge in new[] { "ab", "bc", "cd", "da", "cb", "fg", "ef", "ge", "ea" })
            builder.Connect(edge[..1], edge[1..]);

        var error = Assert.Throws<InvalidTopologyException>(() => builder.Build());

        Assert.Equal(2, error.Problems.Count);
        Assert.Contains("cycle: b -> c -> b.", error.Problems[0], StringComparison.Ordinal);
        Assert.Contains("cycle: e -> f -> g -> e.", error.Problems[1], StringComparison.Ordinal);
        Assert.StartsWith("The graph has 2 problems:\n- The graph has a cycle: b", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANodeThatLeadsToItselfIsACycle()
    {
        var builder = new TopologyBuilder();
        builder.Add("step", name: "a");
        builder.Connect(0, 0);

        Assert.Contains("cycle: a -> a.", Error(builder), StringComparison.Ordinal);
    }

    [Fact]
    public void AnInputThatNothingIsConnectedToIsAnError()
    {
        var builder = new TopologyBuilder();
        builder.Add("map", hint: "Clean", input: typeof(string), output: typeof(int));

        Assert.Equal(
            "Nothing is connected to the input of Clean (map), which takes string. "
            + "Connect a source or another node to it, or remove it.", Error(builder));
        Assert.Equal("Clean", builder.Build(open: true).ToText());
    }

    [Fact]
    public void ABranchThatNothingIsConnectedToIsAnError()
    {
        var builder = new TopologyBuilder();
        builder.Add("source", hint: "numbers");
        builder.Add("route", hint: "Parity", input: typeof(int), ports: ["even", "odd"]);
        builder.Add("sink", hint: "Print", input: typeof(int));
        builder.Connect(0, 1);
        builder.Connect(1, 2, "even");

        Assert.Equal(
            "Nothing is connected to the branch \"odd\" of numbers | Parity. Connect a node to it, or do not declare it.",
            Error(builder));
    }

    [Fact]
    public void AReferenceToAnUnknownNodeSuggestsSimilarNames()
    {
        var builder = new TopologyBuilder();
        builder.Add("step", name: "Geocode");
        builder.Connect("Geocod", "Geocode");
        builder.Connect(0, 7);

        var error = Assert.Throws<InvalidTopologyException>(() => builder.Build());

        Assert.Equal(
            "There is no node \"Geocod\". Near it: Geocode (the edge to \"Geocode\" comes from it). Add it, or correct the reference.",
            error.Problems[0]);
        Assert.Equal("An edge refers to node number 7, but the graph has 1 nodes. Add the node before building.", error.Problems[1]);
    }

    [Fact]
    public void AnEmptyGivenNameIsAnError()
        => Assert.Contains("empty name", Assert.Throws<InvalidTopologyException>(
            () => new TopologyBuilder().Add("map", name: " ")).Message, StringComparison.Ordinal);

    private static string Error(TopologyBuilder builder) => Assert.Throws<InvalidTopologyException>(() => builder.Build()).Message;
}
