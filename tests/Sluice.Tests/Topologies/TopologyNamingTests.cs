using System.Linq.Expressions;
using Sluice.Topologies;

namespace Sluice.Tests.Topologies;

public class TopologyNamingTests
{
    [Fact]
    public void RepeatedHintsAreNumberedAndNeverTakeAGivenName()
    {
        var builder = new TopologyBuilder();
        builder.Add("map", hint: "Clean");
        builder.Add("map", hint: "Clean");
        builder.Add("map", name: "Clean");
        builder.Add("map", name: "Clean-3");
        builder.Add("map", hint: "Clean");

        Assert.Equal(["Clean-2", "Clean-4", "Clean", "Clean-3", "Clean-5"], Names(builder));
    }

    [Fact]
    public void UnnamedNodesAreNumberedByKind()
    {
        var builder = new TopologyBuilder();
        builder.Add("map");
        builder.Add("filter");
        builder.Add("map", name: "priced");
        builder.Add("map");
        builder.Add("map", name: "map-5");
        builder.Add("map");

        Assert.Equal(["map-1", "filter-1", "priced", "map-3", "map-5", "map-5-2"], Names(builder));
    }

    [Fact]
    public void HintsAreMethodNamesFromTheSourceCode()
    {
        static int Local(int x) => x;
        int Captures(int x) => x + captured;
        Func<int, int> lambda = x => x;
        Func<int, int> group = Twice;
        Func<int, int> wrapped = new(group.Invoke);
        Expression<Func<int, int>> expression = x => x + 1;

        Assert.Equal("Twice", TopologyBuilder.NameOf(Twice));
        Assert.Equal("Local", TopologyBuilder.NameOf((Func<int, int>)Local));
        Assert.Equal("Captures", TopologyBuilder.NameOf((Func<int, int>)Captures));
        Assert.Equal("Twice", TopologyBuilder.NameOf(wrapped));
        Assert.Equal("CompareTo", TopologyBuilder.NameOf((Func<int, int>)((IComparable<int>)new Explicit()).CompareTo));
        Assert.Null(TopologyBuilder.NameOf(lambda));
        Assert.Null(TopologyBuilder.NameOf((int x) => x + captured));
        Assert.Null(TopologyBuilder.NameOf(expression.Compile()));
    }

    [Theory]
    [InlineData(typeof(int), "int")]
    [InlineData(typeof((int, string?)), "(int, string)")]
    [InlineData(typeof(IEnumerable<(Uri, int?)>), "IEnumerable<(Uri, int?)>")]
    [InlineData(typeof(int[][,]), "int[][,]")]
    [InlineData(typeof(Dictionary<string, List<byte>>.KeyCollection), "KeyCollection")]
    [InlineData(typeof(ValueTuple<int>), "ValueTuple<int>")]
    public void TypesAreWrittenAsInCode(Type type, string expected) => Assert.Equal(expected, TypeNames.Of(type));

    private readonly int captured = 1;

    private static int Twice(int x) => x * 2;

    private static IEnumerable<string> Names(TopologyBuilder builder) => builder.Build().Nodes.Select(node => node.Name);

    private sealed class Explicit : IComparable<int>
    {
        int IComparable<int>.CompareTo(int other) => 0;
    }
}
