using System.Globalization;
using System.Text.RegularExpressions;
using Sluice.Dashboard.Pages;
using Sluice.Dashboard.Sampling;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>The rates on the edges of a graph, and the lines of the last ten minutes.</summary>
public sealed partial class PictureTests
{
    [Fact]
    public void EachEdgeHasItsOwnRateAndNoTwoRatesOverlap()
    {
        var builder = new TopologyBuilder("shop");
        int orders = builder.Add("source", hint: "orders"), left = builder.Add("stage", hint: "left");
        int right = builder.Add("stage", hint: "right"), join = builder.Add("sink", hint: "join");
        builder.Connect(orders, left);
        builder.Connect(orders, right);
        builder.Connect(left, join);
        builder.Connect(right, join);
        string drawn = Draw(builder.Build(), node => node switch
        {
            "left" => (30, 29),
            "right" => (10, 9),
            "join" => (38, 0),
            _ => (0, 40),
        });
        var rates = Rates().Matches(drawn).Select(static one => (Text: one.Groups["text"].Value, X: Number(one, "x") + Number(one, "dx"),
            Y: Number(one, "y") + Number(one, "dy"))).ToList();
        Assert.Equal(["30/s", "10/s", "29/s", "9/s"], rates.Select(static one => one.Text));
        for (int i = 0; i < rates.Count; i++)
            for (int other = 0; other < i; other++)
                Assert.True(Math.Abs(rates[i].X - rates[other].X) > 60 || Math.Abs(rates[i].Y - rates[other].Y) > 11,
                    $"{rates[i]} is on {rates[other]}.");
    }

    [Fact]
    public void AnEdgeWhoseRateNobodyKnowsHasNone()
    {
        var builder = new TopologyBuilder("mesh");
        int[] before = [builder.Add("source", hint: "a"), builder.Add("source", hint: "b")];
        int[] after = [builder.Add("sink", hint: "c"), builder.Add("sink", hint: "d")];
        foreach (int from in before) foreach (int to in after) builder.Connect(from, to);
        Assert.All(Rates().Matches(Draw(builder.Build(), static _ => (1, 1))), static one => Assert.Equal("", one.Groups["text"].Value));
    }

    [Fact]
    public void ALineHasAGapWhereNobodyLooked()
    {
        var clock = new TestClock();
        var history = new History(clock);
        void Look(int times)
        {
            for (int i = 0; i < times; i++)
            {
                history.Add(i);
                clock.Advance(TimeSpan.FromSeconds(1));
            }
        }
        Look(10);
        Assert.Single(Lines().Matches(Sparkline.Draw(history, "items").ToString()));
        clock.Advance(TimeSpan.FromMinutes(3));
        Look(10);
        MatchCollection lines = Lines().Matches(Sparkline.Draw(history, "items").ToString());
        Assert.Equal(2, lines.Count);
        Assert.All(lines, static line => Assert.Equal(10, line.Groups["points"].Value.Split(' ').Length));
        Assert.DoesNotContain("<poly", Sparkline.Draw(new History(clock), "items").ToString(), StringComparison.Ordinal);
    }

    private static string Draw(Topology topology, Func<string, (double In, double Out)> rates) => GraphPicture.Figure(topology, node
        => new("working", "", rates(node.Name).In) { LeftPerSecond = rates(node.Name).Out }).ToString();

    private static double Number(Match match, string name) => double.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("<text class=\"rate\" x=\"(?<x>[0-9.-]+)\" dx=\"(?<dx>[0-9.-]+)\"( text-anchor=\"end\")? y=\"(?<y>[0-9.-]+)\" "
        + "dy=\"(?<dy>[0-9.-]+)\">(?<text>[^<]*)</text>")]
    private static partial Regex Rates();

    [GeneratedRegex("<polyline points=\"(?<points>[^\"]+)\"/>")]
    private static partial Regex Lines();
}
