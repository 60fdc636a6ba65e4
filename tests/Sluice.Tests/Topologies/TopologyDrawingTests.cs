using System.Diagnostics;
using System.Text.RegularExpressions;
using Sluice.Topologies;

namespace Sluice.Tests.Topologies;

[StartsProcesses]
public class TopologyDrawingTests
{
    private const string Nasty = "a \"quoted\" [b] {c} <d> | e; #f \\ &lt; `g`\nh\t\u0001 é 🚀 \u202Ex";

    [Fact]
    public void TheTextReadsLikeTheDefinition() => Assert.Equal(
        """
        airports | AllPairs | Geocode (parallel 8, retry 3) | Distance
        ├─ ToDatabase
        └─ ToFile
        """, Graphs.Airports().ToText());

    [Fact]
    public void LabelsStandInAColumn() => Assert.Equal(
        """
        airports
        | AllPairs                       1 in
        | Geocode (parallel 8, retry 3)  2 in
        | Distance                       3 in
        ├─ ToDatabase                    4 in
        └─ ToFile                        5 in
        """, Graphs.Airports().ToText(node => node.Id == 0 ? null : $"{node.Id} in"));

    [Fact]
    public void BranchesShowTheirPortsAndReferToMerges()
    {
        var builder = new TopologyBuilder();
        foreach (var hint in new[] { "numbers", "Parity", "Twice", "Print", "merge", "Format", "Save" }) builder.Add("node", hint: hint);
        builder.Connect(0, 1);
        builder.Connect(1, 2, "even");
        builder.Connect(1, 4, "odd");
        builder.Connect(1, 3, "zero");
        builder.Connect(2, 4);
        builder.Connect(4, 5);
        builder.Connect(5, 6, "late");

        Assert.Equal(
            """
            numbers | Parity
            ├─ even: Twice → merge
            ├─ odd: → merge
            └─ zero: Print

            merge | Format
            └─ late: Save
            """, builder.Build().ToText());
    }

    [Fact]
    public void ALongChainIsDrawnWithOneLinePerNode()
    {
        var builder = new TopologyBuilder();
        builder.Add("source", hint: "source");
        for (var i = 1; i <= 4; i++) builder.Add("map", hint: $"{new string('x', 30)}{i}");
        builder.Add("sink", hint: "other");
        foreach (var (from, to) in new[] { (0, 1), (1, 2), (2, 3), (3, 4), (0, 5) }) builder.Connect(from, to);

        Assert.Equal(
            """
            source
            ├─ xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1
            │  | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx2
            │  | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx3
            │  | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx4
            └─ other
            """, builder.Build().ToText());
    }

    [Fact]
    public void VeryDeepTreesContinueInASectionOfTheirOwn()
    {
        var text = Graphs.Comb(41).ToText();

        Assert.Matches(new Regex(@"└─ → map-13\n\nmap-13\n├─ sink-14\n"), text);
        Assert.Equal(41, Regex.Count(text, @"(?m)(^|[─|] )(source|map|sink)-\d+"));
    }

    [Fact]
    public void EveryNameIsOneLineInTextAndMermaid()
    {
        var graph = Named(Nasty);

        Assert.Equal($"{Printable.Of(Nasty)} (x\\ny)\n└─ {Printable.Of(Nasty)}: z", graph.ToText());
        Assert.Contains("\\u0001 é 🚀 \\u202Ex", graph.ToText(), StringComparison.Ordinal);
        var lines = graph.ToMermaid().TrimEnd().Split('\n');
        Assert.Equal(7, lines.Length);
        Assert.Matches("^  n0\\(\\[\"[^\"<>\\[\\]{}|`\\\\]*<br/>[^\"<>]*\"\\]\\)$", lines[4]);
        Assert.Contains("#34;quoted#34; #91;b#93;", lines[4], StringComparison.Ordinal);
        Assert.Matches("^  n0 -->\\|\"[^\"<>\\[\\]{}|`\\\\]*\"\\| n1$", lines[6]);
    }

    [Fact]
    public async Task GraphvizDrawsEveryNameAsItIs()
    {
        if (!OperatingSystem.IsLinux() || !Path.Exists("/usr/bin/dot")) Assert.Skip("graphviz is not installed; ./test installs it.");
        using var dot = Process.Start(new ProcessStartInfo("/usr/bin/dot", "-Tsvg")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await dot.StandardInput.WriteAsync(Named(Nasty).ToDot(node => node.Id == 0 ? "label" : null));
        dot.StandardInput.Close();
        var errors = dot.StandardError.ReadToEndAsync();
        var svg = await dot.StandardOutput.ReadToEndAsync();
        await dot.WaitForExitAsync();

        Assert.Equal((0, ""), (dot.ExitCode, await errors));
        var texts = System.Xml.Linq.XDocument.Parse(svg).Descendants()
            .Where(element => element.Name.LocalName == "text").Select(element => element.Value.Replace('\u00a0', ' '));
        Assert.Equal([Printable.Of(Nasty), "x\\ny", "label", "z", Printable.Of(Nasty)], texts);
    }

    private static Topology Named(string name)
    {
        var builder = new TopologyBuilder(name);
        builder.Add("source", name: name, details: ["x\ny"]);
        builder.Add("sink", name: "z", input: typeof(int));
        builder.Connect(0, 1, name);
        return builder.Build();
    }
}
