using System.Globalization;
using System.Xml.Linq;
using Sluice.Topologies;

namespace Sluice.Tests.Topologies;

/// <summary>Pictures as SVG: what a reader would see is measured in the text that is written, with the curves followed point by
/// point.</summary>
public class SvgTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void NoBoxesOverlapAndNoEdgeCrossesABox()
    {
        for (int seed = 0; seed < Repetitions.Of(200, all: 1_000); seed++)
        {
            Topology graph = Graphs.Random(seed, 2 + (seed % 60));
            Picture picture = Picture.Of(graph.ToSvg());
            Assert.Equal((graph.Nodes.Count, graph.Edges.Count), (picture.Boxes.Count, picture.Edges.Count));
            Assert.All(picture.Boxes.Values, box => Assert.True(picture.Page.Contains(box), $"seed {seed}: a box leaves the page"));
            foreach ((int a, Box one) in picture.Boxes)
                foreach ((int b, Box other) in picture.Boxes)
                    Assert.True(a >= b || !one.Meets(other), $"seed {seed}: the boxes of {a} and {b} overlap");
            for (int edge = 0; edge < graph.Edges.Count; edge++)
            {
                (int from, int to) = (graph.Edges[edge].From.Id, graph.Edges[edge].To.Id);
                List<(double X, double Y)> points = picture.Edges[edge];
                Assert.True(picture.Boxes[from].Touches(points[0]), $"seed {seed}: {edge} does not begin at its box");
                Assert.True(picture.Boxes[to].IsNear(points[^1], 8), $"seed {seed}: {edge} does not end at its box");
                foreach ((int node, Box box) in picture.Boxes)
                    Assert.True(node == from || node == to || !points.Exists(box.IsInside),
                        $"seed {seed}: {edge} crosses the box of {node}");
            }
        }
    }

    [Fact]
    public void ATreeIsDrawnWithoutCrossings()
    {
        for (int seed = 0; seed < Repetitions.Of(40, all: 200); seed++)
        {
            var random = new Random(seed);
            var builder = new TopologyBuilder();
            builder.Add("source");
            for (int i = 1; i < 40; i++)
            {
                builder.Add("step");
                builder.Connect(random.Next(i), i);
            }
            Assert.Equal(0, Picture.Of(builder.Build(open: true).ToSvg()).Crossings());
        }
    }

    /// <summary>A zigzag through five nodes whose middle source was added last: in the order of adding, its edges would cross.</summary>
    [Fact]
    public void AvoidableCrossingsAreAvoided()
    {
        var builder = new TopologyBuilder();
        for (int i = 0; i < 3; i++) builder.Add("source");
        for (int i = 0; i < 3; i++) builder.Add("step");
        foreach ((int from, int to) in new[] { (0, 3), (1, 4), (1, 5), (2, 3), (2, 4) }) builder.Connect(from, to);
        Assert.Equal(0, Picture.Of(builder.Build(open: true).ToSvg()).Crossings());
    }

    [Fact]
    public void AChainIsOneStraightLine()
    {
        var builder = new TopologyBuilder();
        for (int i = 0; i < 8; i++)
        {
            builder.Add("step", details: [.. Enumerable.Repeat("setting", i % 3)]);
            if (i > 0) builder.Connect(i - 1, i);
        }
        Picture picture = Picture.Of(builder.Build(open: true).ToSvg());
        Assert.Single(picture.Edges.Values.SelectMany(static points => points).Select(static point => Math.Round(point.Y)).Distinct());
    }

    [Fact]
    public void TextOfTheUserStaysText()
    {
        const string Hostile = "<script>alert('1')</script>\"&\u0000\uD800\u202E]]>";
        var builder = new TopologyBuilder(Hostile);
        builder.Add("source", Hostile, details: [Hostile]);
        builder.Add("sink", "second");
        builder.Connect(0, 1, Hostile);
        string svg = builder.Build(open: true).ToSvg(_ => Hostile);
        XElement root = XDocument.Parse(svg).Root!;
        Assert.Empty(root.Descendants(Svg + "script"));
        Assert.All(root.DescendantsAndSelf().Attributes(), attribute => Assert.DoesNotMatch("^on", attribute.Name.LocalName));
        Assert.Contains("<script>", root.Descendants(Svg + "title").First().Value, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202E", svg, StringComparison.Ordinal);
    }

    [Fact]
    public void LongNamesAreShortenedAndWholeInTheirTitle()
    {
        var builder = new TopologyBuilder();
        string name = new('n', 5_000);
        builder.Add("source", name);
        XElement root = XDocument.Parse(builder.Build(open: true).ToSvg()).Root!;
        Assert.True(double.Parse(root.Attribute("width")!.Value, CultureInfo.InvariantCulture) < 600);
        Assert.Contains(root.Descendants(Svg + "title"), title => title.Value.Contains(name, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1_000, true)]
    [InlineData(100_000, false)]
    public void AGraphTooLargeToReadSaysSo(int nodes, bool isDrawn)
    {
        var builder = new TopologyBuilder();
        for (int i = 0; i < nodes; i++) builder.Add("step");
        for (int i = 1; i < nodes; i++) builder.Connect(i - 1, i);
        string svg = builder.Build(open: true).ToSvg();
        Assert.Equal(isDrawn ? nodes : 0, Picture.Of(svg).Boxes.Count);
        Assert.Equal(!isDrawn, svg.Contains("100,000 nodes and 99,999 edges are too many for a picture", StringComparison.Ordinal));
    }

    [Fact]
    public void AThemeHasItsColoursAndNoneHasNoStyle()
    {
        var builder = new TopologyBuilder();
        builder.Add("source");
        Topology graph = builder.Build(open: true);
        Assert.Contains("prefers-color-scheme:dark", graph.ToSvg(), StringComparison.Ordinal);
        Assert.DoesNotContain("@media", graph.ToSvg(theme: SvgTheme.Light), StringComparison.Ordinal);
        Assert.NotEqual(graph.ToSvg(theme: SvgTheme.Light), graph.ToSvg(theme: SvgTheme.Dark));
        Assert.DoesNotContain("<style", graph.ToSvg(theme: SvgTheme.None), StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.ToSvg(theme: (SvgTheme)9));
    }
}
