namespace Sluice.Topologies;

/// <summary>Draws Mermaid flowcharts: nodes by number, all text quoted, special characters as character codes.</summary>
internal static class MermaidDrawing
{
    internal static string Draw(Topology topology, Func<TopologyNode, string?>? label)
    {
        var text = new StringBuilder();
        if (topology.Name is { } name) text.Append("---\ntitle: \"").Append(Yaml(name)).Append("\"\n---\n");
        text.Append("flowchart LR\n");
        foreach (var node in topology.Nodes)
        {
            var (open, close) = node.Kind == "source" ? ("([", "])") : ("[", "]");
            text.Append(CultureInfo.InvariantCulture, $"  n{node.Id}{open}\"{Escape(node.Name)}");
            if (node.Details.Count > 0) text.Append("<br/>").Append(Escape(string.Join(", ", node.Details)));
            if (label?.Invoke(node) is { Length: > 0 } overlay) text.Append("<br/>").Append(Escape(overlay));
            text.Append(CultureInfo.InvariantCulture, $"\"{close}\n");
        }

        foreach (var edge in topology.Edges)
        {
            var port = edge.Port is null ? "" : $"|\"{Escape(edge.Port)}\"|";
            text.Append(CultureInfo.InvariantCulture, $"  n{edge.From.Id} {(edge.IsCritical ? "==>" : "-->")}{port} n{edge.To.Id}\n");
        }

        if (topology.CriticalPath.Count > 0)
        {
            text.Append("  classDef critical stroke:#c62828,stroke-width:3px\n");
            text.Append(CultureInfo.InvariantCulture, $"  class {string.Join(",", topology.CriticalPath.Select(node =>
                $"n{node.Id}"))} critical\n");
        }

        return text.ToString();
    }

    private static string Escape(string value)
    {
        var result = new StringBuilder(value.Length);
        foreach (var rune in Printable.Of(value).EnumerateRunes())
            if (Rune.IsLetterOrDigit(rune) || rune.Value is ' ' or '-' or '_' or '.' or ',') result.Append(rune.ToString());
            else result.Append(CultureInfo.InvariantCulture, $"#{rune.Value};");
        return result.ToString();
    }

    private static string Yaml(string value)
        => Printable.Of(value).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
