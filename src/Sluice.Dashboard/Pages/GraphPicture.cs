using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Sluice.Topologies;

namespace Sluice.Dashboard.Pages;

/// <summary>A graph with the figures of its nodes. It is laid out once; each look fills figures and colours in.</summary>
/// <remarks>
/// A look at the run of a flow makes a topology each time, so graphs that are alike share a picture; a limited number of pictures is kept.
/// Thread-safe; locking rule: the pictures by content under <c>Sync</c>, layouts outside of it.
/// </remarks>
internal sealed partial class GraphPicture
{
    // As wide as the figures can become, so that the boxes are.
    private const string Place = "000,000.0 k/s · 000,000 wait";

    private const int MaxKept = 10_000_000;          // characters

    private static readonly ConditionalWeakTable<Topology, GraphPicture> Known = [];
    private static readonly Dictionary<string, GraphPicture> Alike = new(StringComparer.Ordinal);
    private static readonly Lock Sync = new();
    private static long kept;

    private readonly string[] pieces;

    private GraphPicture(Topology topology)
    {
        // Inputs and results of a flow have no figures.
        string drawing = topology.ToSvg(static node => node.Details is ["given"] or ["result"] ? null : Place, SvgTheme.None);
        drawing = drawing.Replace(SvgText(Place), "\u0001figures\u0001", StringComparison.Ordinal);
        drawing = Node().Replace(drawing, static node
            => $"\u0001open {node.Groups[2]}\u0001<g class=\"{node.Groups[1]} \u0001state {node.Groups[2]}\u0001\" "
                + $"data-node=\"{node.Groups[2]}\">{node.Groups[3]}</g>\u0001close {node.Groups[2]}\u0001");
        drawing = Role().Replace(drawing, "role=\"\u0001role\u0001\"", 1);
        drawing = Edge().Replace(drawing, edge => edge.Value + RateText(topology, edge));
        pieces = drawing.Split('\u0001');
    }

    /// <summary>Draws the graph of a run, as a part of a page.</summary>
    /// <param name="topology">The graph.</param>
    /// <param name="nodes">The nodes, by name; null if they are not known.</param>
    /// <param name="address">The page of a node, by its name; null for none.</param>
    public static Markup Figure(Topology topology, IReadOnlyDictionary<string, NodeSample>? nodes, Func<string, string>? address = null)
        => Figure(topology, node => nodes?.GetValueOrDefault(node.Name) is { } one
            ? new(one.State, Figures(one), one.PerSecond) { LeftPerSecond = one.LeftPerSecond } : null, address);

    /// <summary>Draws a graph, as a part of a page.</summary>
    /// <param name="topology">The graph.</param>
    /// <param name="look">What is known of a node; null if nothing is.</param>
    /// <param name="address">The page of a node, by its name, or null if the node has none; null for none.</param>
    public static Markup Figure(Topology topology, Func<TopologyNode, NodeLook?> look, Func<string, string?>? address = null) => Markup.Of(
        $"<figure class=\"graph\">{Markup.Written(Known.GetValue(topology, Find).Fill(topology, look, address))}</figure>");

    /// <summary>Returns the picture of a graph, or of one that is alike.</summary>
    internal static GraphPicture Find(Topology topology)
    {
        string key = string.Join('\u0001', topology.Nodes.Select(static node => $"{node}: {node.Signature} [{node.Kind}]")
            .Concat(topology.Edges.Select(static edge => edge.ToString())).Prepend(topology.Name));
        lock (Sync)
            if (Alike.TryGetValue(key, out GraphPicture? found)) return found;
        var drawn = new GraphPicture(topology);
        long length = key.Length + drawn.pieces.Sum(static piece => (long)piece.Length);
        lock (Sync)
        {
            if (kept + length > MaxKept)
            {
                Alike.Clear();
                kept = 0;
            }
            if (length <= MaxKept && Alike.TryAdd(key, drawn)) kept += length;
        }
        return drawn;
    }

    private string Fill(Topology topology, Func<TopologyNode, NodeLook?> look, Func<string, string?>? address)
    {
        NodeLook?[] looks = [.. topology.Nodes.Select(look)];
        var text = new StringBuilder();
        NodeLook? now = null;
        bool isLink = false;
        for (int i = 0; i < pieces.Length; i++)
        {
            string piece = pieces[i];
            if (i % 2 == 0) text.Append(piece);
            else if (piece == "figures") text.Append(SvgText(now?.Figures ?? ""));
            // Links in a picture: it is no longer one image for those who hear the page.
            else if (piece == "role") text.Append(address is null ? "img" : "group");
            else if (piece.StartsWith("open ", StringComparison.Ordinal))
            {
                string? to = address?.Invoke(NodeAt(5, i).Name);
                isLink = to is not null;
                if (isLink) text.Append(Markup.Of($"<a href=\"{to}\">"));
            }
            else if (piece.StartsWith("close ", StringComparison.Ordinal)) text.Append(isLink ? "</a>" : "");
            else if (piece.StartsWith("state ", StringComparison.Ordinal))
            {
                now = looks[int.Parse(piece.AsSpan(6), CultureInfo.InvariantCulture)];
                text.Append(now?.State ?? "unknown");
            }
            else
            {
                TopologyEdge edge = topology.Edges[int.Parse(piece.AsSpan(5), CultureInfo.InvariantCulture)];
                if (RateOf(edge) is { } rate) text.Append(SvgText(Shown.Rate(rate)));
            }
        }
        return text.ToString();

        // Nodes are counted, and not edges: of two edges into a node, only the node before says how many items each has.
        double? RateOf(TopologyEdge edge) => topology.Incoming(edge.To).Count == 1 ? looks[edge.To.Id]?.PerSecond
            : topology.Outgoing(edge.From).Count == 1 ? looks[edge.From.Id]?.LeftPerSecond : null;

        TopologyNode NodeAt(int start, int piece) => topology.Nodes[int.Parse(pieces[piece].AsSpan(start), CultureInfo.InvariantCulture)];
    }

    // The rate of an edge, at its own end: edges that leave one box begin close together, and edges that enter one box end so.
    private static string RateText(Topology topology, Match edge)
    {
        TopologyEdge drawn = topology.Edges[int.Parse(edge.Groups["edge"].ValueSpan, CultureInfo.InvariantCulture)];
        bool isAtEnd = topology.Incoming(drawn.To).Count == 1 && topology.Outgoing(drawn.From).Count > 1;
        double rise = Number("from") - Number("to");
        // On the side to which the edge does not bend; the name of an output is above the edge where it begins.
        bool isAbove = isAtEnd ? rise > 1 : rise < -1 && drawn.Port is null;
        (string place, string at) = isAtEnd ? ($"x=\"{edge.Groups["endX"]}\" dx=\"-10\" text-anchor=\"end\"", "to")
            : ($"x=\"{edge.Groups["x"]}\" dx=\"6\"", "from");
        return $"<text class=\"rate\" {place} y=\"{edge.Groups[at]}\" dy=\"{(isAbove ? "-5" : "13")}\">"
            + $"\u0001edge {edge.Groups["edge"]}\u0001</text>";

        double Number(string name) => double.Parse(edge.Groups[name].ValueSpan, CultureInfo.InvariantCulture);
    }

    private static string Figures(NodeSample node) => Shown.Rate(node.PerSecond)
        + (node.Node.Queued > 0 ? $" · {Shown.Count(node.Node.Queued)} wait" : "")
        + (node.Node.Failed > 0 ? $" · {Shown.Count(node.Node.Failed)} failed" : "");

    private static string SvgText(string text) => VisibleText.Encode(text);

    [GeneratedRegex("<g class=\"(node[a-z ]*)\" data-node=\"([0-9]+)\">(.*?)</g>", RegexOptions.Singleline)]
    private static partial Regex Node();

    [GeneratedRegex("role=\"img\"")]
    private static partial Regex Role();

    [GeneratedRegex("<g data-edge=\"(?<edge>[0-9]+)\"><title>[^<]*</title>"
        + "<path class=\"[a-z ]*\" d=\"M(?<x>[0-9.-]+) (?<from>[0-9.-]+)[^>]*/>"
        + "<path class=\"[a-z ]*\" d=\"M(?<endX>[0-9.-]+) (?<to>[0-9.-]+)l[^>]*/>")]
    private static partial Regex Edge();
}

/// <summary>What a picture shows of a node.</summary>
/// <param name="State">The class of its colour.</param>
/// <param name="Figures">A line in its box.</param>
/// <param name="PerSecond">Items that entered in a second; null if that is not known.</param>
internal sealed record NodeLook(string State, string Figures, double? PerSecond)
{
    /// <summary>Items that left in a second; null if that is not known.</summary>
    public double? LeftPerSecond { get; init; }
}
