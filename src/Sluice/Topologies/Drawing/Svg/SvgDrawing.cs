namespace Sluice.Topologies;

/// <summary>Draws a graph as an SVG: a layered layout from left to right, with text that can be selected, and without script.</summary>
internal sealed class SvgDrawing
{
    private const int MaxPlaces = 4_000;
    private const int NameLength = 40, DetailLength = 48, PortLength = 24;
    private const double NameSize = 13, DetailSize = 11, LineHeight = 15, PadX = 12, PadY = 8;

    private readonly Topology topology;
    private readonly (string Class, string Text)[][] lines;
    private readonly SvgPage page;
    private readonly StringBuilder text = new();

    private SvgDrawing(Topology topology, LayerGraph graph, Func<TopologyNode, string?>? label)
    {
        this.topology = topology;
        lines = [.. topology.Nodes.Select(node => LinesOf(node, label).ToArray())];
        page = SvgPage.Of(graph, [.. lines.Select(SizeOf)],
            edge => topology.Edges[edge].Port is { } port ? SvgText.Width(SvgText.Shorten(port, PortLength), DetailSize) : 0);
    }

    /// <summary>Draws a graph. A graph with too many nodes to be read is a sentence that says so.</summary>
    public static string Draw(Topology topology, Func<TopologyNode, string?>? label, SvgTheme theme)
    {
        string? style = SvgStyle.Of(theme);
        return LayerGraph.Of(topology, MaxPlaces) is not { } graph ? TooLarge(topology, style)
            : new SvgDrawing(topology, graph, label).Draw(style);
    }

    private static IEnumerable<(string Class, string Text)> LinesOf(TopologyNode node, Func<TopologyNode, string?>? label)
    {
        yield return ("name", SvgText.Shorten(node.Name, NameLength));
        if (node.Details.Count > 0) yield return ("detail", SvgText.Shorten(string.Join(", ", node.Details), DetailLength));
        if (label?.Invoke(node) is { Length: > 0 } beside)
            foreach (string line in beside.Split('\n')) yield return ("label", SvgText.Shorten(line, DetailLength));
    }

    private static (double Width, double Height) SizeOf((string Class, string Text)[] lines)
    {
        double width = lines.Max(static line => SvgText.Width(line.Text, line.Class == "name" ? NameSize * 1.06 : DetailSize));
        return (Math.Max(48, width + (2 * PadX)), (lines.Length * LineHeight) + (2 * PadY));
    }

    private static string TooLarge(Topology topology, string? style)
    {
        string says = string.Create(CultureInfo.InvariantCulture,
            $"{topology.Nodes.Count:N0} nodes and {topology.Edges.Count:N0} edges are too many for a picture. ToText() lists them.");
        var text = new StringBuilder();
        Begin(text, topology, SvgText.Width(says, NameSize) + 32, 48, style);
        return text.Append("<text class=\"name\" x=\"16\" y=\"28\">").Append(SvgText.Escape(says)).Append("</text>\n</svg>\n").ToString();
    }

    private static void Begin(StringBuilder text, Topology topology, double width, double height, string? style)
    {
        string name = topology.Name is { } given ? $"{given}: " : "";
        string what = SvgText.Escape(string.Create(CultureInfo.InvariantCulture,
            $"{name}{topology.Nodes.Count} nodes, {topology.Edges.Count} edges"));
        text.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{N(width)}\" height=\"{N(height)}\" ")
            .Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {N(width)} {N(height)}\" role=\"img\" aria-label=\"{what}\">\n")
            .Append(CultureInfo.InvariantCulture, $"<title>{what}</title>\n");
        if (style is not null) text.Append("<style>\n").Append(style).Append("\n</style>\n");
    }

    private static string N(double value) => Math.Round(value, 1).ToString(CultureInfo.InvariantCulture);

    private string Draw(string? style)
    {
        Begin(text, topology, page.Width, page.Height, style);
        for (int edge = 0; edge < topology.Edges.Count; edge++) DrawEdge(edge);
        foreach (TopologyNode node in topology.Nodes) DrawNode(node);
        return text.Append("</svg>\n").ToString();
    }

    private void DrawEdge(int number)
    {
        TopologyEdge edge = topology.Edges[number];
        string critical = edge.IsCritical ? " critical" : "";
        SvgCurve[] curves = [.. page.Curves(number)];
        text.Append(CultureInfo.InvariantCulture, $"<g data-edge=\"{number}\"><title>{SvgText.Escape(edge.ToString())}</title>")
            .Append(CultureInfo.InvariantCulture, $"<path class=\"edge{critical}\" d=\"M{N(curves[0].X)} {N(curves[0].Y)}");
        for (int i = 0; i < curves.Length; i++)
        {
            SvgCurve curve = curves[i];
            double end = i == curves.Length - 1 ? curve.EndX - 6 : curve.EndX, half = (curve.BendX + end) / 2;
            text.Append(CultureInfo.InvariantCulture, $"H{N(curve.BendX)}");
            if (Math.Abs(curve.Y - curve.EndY) < 0.05) text.Append(CultureInfo.InvariantCulture, $"H{N(end)}");
            else text.Append(CultureInfo.InvariantCulture, $"C{N(half)} {N(curve.Y)} {N(half)} {N(curve.EndY)} {N(end)} {N(curve.EndY)}");
        }
        SvgCurve last = curves[^1];
        text.Append(CultureInfo.InvariantCulture, $"\"/><path class=\"arrow{critical}\" d=\"M{N(last.EndX)} {N(last.EndY)}l-7 -3.5v7z\"/>");
        if (edge.Port is { } port)
        {
            text.Append(CultureInfo.InvariantCulture, $"<text class=\"port\" x=\"{N(curves[0].X + 5)}\" y=\"{N(curves[0].Y - 3)}\">")
                .Append(SvgText.Escape(SvgText.Shorten(port, PortLength))).Append("</text>");
        }
        text.Append("</g>\n");
    }

    private void DrawNode(TopologyNode node)
    {
        SvgBox box = page.Boxes[node.Id];
        (bool isSource, bool isSink) = (topology.Incoming(node).Count == 0, topology.Outgoing(node).Count == 0);
        string kind = $"node{(isSource ? " source" : "")}{(isSink ? " sink" : "")}{(node.IsCritical ? " critical" : "")}";
        string whole = $"{node}{(node.Signature.Length == 0 ? "" : $": {node.Signature}")} [{node.Kind}]";
        double round = isSource ? Math.Min(box.Height / 2, 18) : 5;
        text.Append(CultureInfo.InvariantCulture, $"<g class=\"{kind}\" data-node=\"{node.Id}\"><title>{SvgText.Escape(whole)}</title>")
            .Append(CultureInfo.InvariantCulture, $"<rect class=\"box\" x=\"{N(box.X)}\" y=\"{N(box.Y)}\" width=\"{N(box.Width)}\" ")
            .Append(CultureInfo.InvariantCulture, $"height=\"{N(box.Height)}\" rx=\"{N(round)}\"/>");
        (string Class, string Text)[] all = lines[node.Id];
        double y = box.Y + ((box.Height - (all.Length * LineHeight)) / 2) + (LineHeight * 0.75);
        foreach ((string name, string line) in all)
        {
            text.Append(CultureInfo.InvariantCulture, $"<text class=\"{name}\" x=\"{N(box.X + PadX)}\" y=\"{N(y)}\">")
                .Append(SvgText.Escape(line)).Append("</text>");
            y += LineHeight;
        }
        text.Append("</g>\n");
    }
}
