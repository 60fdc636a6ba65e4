namespace Sluice.Topologies;

/// <summary>
/// Writes a graph on one line, as it was defined: <c>numbers | Twice | [Print, Save]</c>. Branches are in brackets, each after the name of
/// its port; <c>_</c> is an empty branch. <see cref="TextDrawing"/> draws graphs that brackets cannot express, or that are too large for a
/// line.
/// </summary>
/// <remarks>Not thread-safe: one instance per text.</remarks>
internal sealed class DefinitionText
{
    private const int MaxNodes = 200;
    private const int MaxBrackets = 50;

    private readonly Topology topology;
    private readonly HashSet<TopologyNode> written = [];

    private DefinitionText(Topology topology) => this.topology = topology;

    public static string Of(Topology topology)
        => topology.Nodes.Count > MaxNodes ? topology.ToText() : new DefinitionText(topology).Write() ?? topology.ToText();

    private string? Write()
    {
        Target[] roots = [.. topology.InOrder().Where(node => topology.Incoming(node).Count == 0).Select(node => new Target(null, node))];
        return Group(roots, [], 0) is { } text && written.Count == topology.Nodes.Count ? text : null;
    }

    /// <summary>Writes the graph that begins at several nodes, up to its ends or to <paramref name="stop"/>.</summary>
    /// <returns>The text; null if brackets cannot express the graph.</returns>
    private string? Group(Target[] targets, HashSet<TopologyNode> stop, int depth)
    {
        if (depth > MaxBrackets) return null;
        if (targets is [{ Port: null, Node: var only }]) return Chain(only, stop, depth);

        TopologyNode[] meeting = Meeting(targets, stop);
        HashSet<TopologyNode> next = meeting.Length == 0 ? stop : [.. meeting];
        var branches = new string[targets.Length];
        for (int i = 0; i < targets.Length; i++)
        {
            if ((next.Contains(targets[i].Node) ? "_" : Chain(targets[i].Node, next, depth + 1)) is not { } branch) return null;
            branches[i] = targets[i].Port is { } port ? $"{Printable.Of(port)}: {branch}" : branch;
        }

        string brackets = $"[{string.Join(", ", branches)}]";
        if (meeting.Length == 0) return brackets;
        return Group([.. meeting.Select(node => new Target(null, node))], stop, depth + 1) is { } rest ? $"{brackets} | {rest}" : null;
    }

    private string? Chain(TopologyNode node, HashSet<TopologyNode> stop, int depth)
    {
        List<string> parts = [];
        while (true)
        {
            if (!written.Add(node)) return null;
            parts.Add(Printable.Of(node.ToString()));
            Target[] targets = [.. topology.Outgoing(node).Select(edge => new Target(edge.Port, edge.To))];
            if (targets.Length == 0 && stop.Count == 0) break;
            if (stop.Count > 0 && targets.All(target => target.Port is null) && stop.SetEquals(targets.Select(target => target.Node)))
                break;
            if (targets is not [{ Port: null, Node: var next }])
            {
                if (targets.Length == 0 || Group(targets, stop, depth + 1) is not { } rest) return null;
                if (node.IsOnlyEdges) parts.Clear();        // the node is the first of its chain: the brackets express it
                parts.Add(rest);
                break;
            }
            node = next;
        }
        return string.Join(" | ", parts);
    }

    /// <summary>
    /// Returns the first nodes that all targets lead to, in their order; none if the targets end apart, or all of them lead to
    /// <paramref name="stop"/>.
    /// </summary>
    private TopologyNode[] Meeting(Target[] targets, HashSet<TopologyNode> stop)
    {
        HashSet<TopologyNode>? common = null;
        foreach (TopologyNode target in targets.Select(target => target.Node).Distinct())
        {
            HashSet<TopologyNode> reached = [target, .. topology.AllDownstream(target)];
            if (common is null) common = reached;
            else common.IntersectWith(reached);
        }
        if (common is null) return [];
        TopologyNode[] first = [.. topology.InOrder()
            .Where(node => common.Contains(node) && !topology.AllUpstream(node).Any(common.Contains))];
        return stop.SetEquals(first) ? [] : first;
    }

    private readonly record struct Target(string? Port, TopologyNode Node);
}
