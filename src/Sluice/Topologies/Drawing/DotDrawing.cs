namespace Sluice.Topologies;

/// <summary>Draws in the language of Graphviz. In its quoted strings, backslash, quote and ampersand (an entity) are special.</summary>
internal static class DotDrawing
{
    internal static string Draw(Topology topology, Func<TopologyNode, string?>? label)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"digraph \"{Escape(topology.Name ?? "")}\" {{\n");
        text.Append("  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\"];\n");
        foreach (var node in topology.Nodes)
        {
            text.Append(CultureInfo.InvariantCulture, $"  n{node.Id} [label=\"{Escape(node.Name)}");
            if (node.Details.Count > 0) text.Append("\\n").Append(Escape(string.Join(", ", node.Details)));
            if (label?.Invoke(node) is { Length: > 0 } overlay) text.Append("\\n").Append(Escape(overlay));
            var kind = Escape(node.Signature.Length == 0 ? node.Kind : $"{node.Kind}: {node.Signature}");
            text.Append(CultureInfo.InvariantCulture, $"\", tooltip=\"{kind}\"");
            if (node.IsCritical) text.Append(", color=\"#c62828\", penwidth=2");
            text.Append(node.Kind == "source" ? ", shape=oval];\n" : "];\n");
        }

        foreach (var edge in topology.Edges)
        {
            string[] attributes = [.. edge.Port is null ? [] : new[] { $"label=\"{Escape(edge.Port)}\"" }, .. edge.IsCritical
                ? new[] { "color=\"#c62828\", penwidth=2" } : []];
            var port = attributes.Length == 0 ? "" : $" [{string.Join(", ", attributes)}]";
            text.Append(CultureInfo.InvariantCulture, $"  n{edge.From.Id} -> n{edge.To.Id}{port};\n");
        }

        return text.Append("}\n").ToString();
    }

    private static string Escape(string value) => Printable.Of(value)
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal);
}
