using Sluice.Topologies;

namespace Sluice.Tests.Topologies;

/// <summary>The topology of a run in which each node runs once, with the times of the nodes.</summary>
public class TimedTopologyTests
{
    private static readonly Topology Timed = Make();

    [Fact]
    public void TheCriticalPathLeadsToTheNodeThatEndedLast()
    {
        Assert.Equal(["fetch", "slow", "last"], Timed.CriticalPath.Select(node => node.Name));
        Assert.Equal(["fetch", "slow", "last"], Timed.Nodes.Where(node => node.IsCritical).Select(node => node.Name));
        Assert.Equal(TimeSpan.FromSeconds(3.5), Timed.Find("last").Time!.Value.Ended);
        Assert.Null(Timed.Find("never").Time);
    }

    [Fact]
    public void TextSaysWhenEachNodeRan() => Assert.Equal(
        """
        fetch           * 1.00 s from 0
        ├─ slow → last  * 2.00 s from 1.00 s, 2 attempts
        └─ fast → last    25.0 ms from 1.00 s

        last            * 500 ms from 3.00 s
        | never
        """, Timed.ToText());

    [Fact]
    public void MermaidAndDotMarkTheCriticalPath()
    {
        string mermaid = Timed.ToMermaid();
        Assert.Contains("  n0 ==> n1\n", mermaid, StringComparison.Ordinal);
        Assert.Contains("  n0 --> n2\n", mermaid, StringComparison.Ordinal);
        Assert.EndsWith("  classDef critical stroke:#c62828,stroke-width:3px\n  class n0,n1,n3 critical\n", mermaid,
            StringComparison.Ordinal);
        string dot = Timed.ToDot();
        Assert.Contains("n1 -> n3 [color=\"#c62828\", penwidth=2];", dot, StringComparison.Ordinal);
        Assert.Contains("n2 -> n3;", dot, StringComparison.Ordinal);
        Assert.Contains("\\n25.0 ms from 1.00 s\"", dot, StringComparison.Ordinal);
    }

    private static Topology Make()
    {
        var builder = new TopologyBuilder();
        foreach (string name in new[] { "fetch", "slow", "fast", "last", "never" }) builder.Add("node", name);
        foreach ((string from, string to) in new[] { ("fetch", "slow"), ("fetch", "fast"), ("slow", "last"), ("fast", "last"),
            ("last", "never") }) builder.Connect(from, to);
        NodeTime?[] times = [Time(0, 1), Time(1, 2, "2 attempts"), Time(1, 0.025), Time(3, 0.5), null];
        return builder.Build(open: true).WithTimes(node => times[node]);

        static NodeTime Time(double started, double elapsed, string? outcome = null)
            => new(TimeSpan.FromSeconds(started), TimeSpan.FromSeconds(elapsed), outcome);
    }
}
