using Sluice.Graphs;

namespace Sluice.Dashboard.Pages;

/// <summary>The last resolves of a graph, and one of them node by node.</summary>
internal static class ResolveTables
{
    private const int MaxNodes = 200;

    /// <summary>The last resolves that were recorded, and failures before them or between them; the newest first.</summary>
    public static Markup Last(PageRequest request, GraphSample graph)
    {
        ResolveRecord[] others = [.. graph.Record.LastFailed.Except(graph.Record.Last)];
        return Markup.Of($"""
            {Table(request, graph, "Last resolves", graph.Record.Last)}
            {(others.Length > 0 ? Table(request, graph, "Other failures", others) : Markup.None)}
            """);
    }

    // Each one with a strip of its nodes over time.
    private static Markup Table(PageRequest request, GraphSample graph, string heading, IReadOnlyList<ResolveRecord> some)
        => Tables.Under(heading, ["Resolve", "Ended", "Outcome", ">Took", "Nodes over time", "Nodes", "Why"],
            some.Select(one => (IReadOnlyList<Markup>)
        [
            one.IsRecorded ? Tables.Link($"{request.Root}/graphs/{PathName.Encode(graph.Name)}?resolve={Plain(one.Number)}", TitleOf(one))
                : Tables.Cell(TitleOf(one)),
            Shown.Time(one.EndedAt), Outcome(one), Tables.Cell(one.IsRecorded ? Shown.Duration(one.Elapsed) : "–"),
            one.IsRecorded ? GanttStrip.Draw(one, graph.Recorder.Names, ResolvePath.Of(graph, one),
                $"Nodes of resolve {Plain(one.Number)} over time") : Tables.Cell("not recorded"),
            Tables.Cell(Counts(one)), Tables.Cell(one.Problem),
        ]), "There was none since the dashboard began to watch.");

    /// <summary>The resolve of the query, or else the newest; null if there is none.</summary>
    public static ResolveRecord? Find(PageRequest request, GraphSample graph) => Asked(request, graph)
        ?? (graph.Record.Last.Count > 0 ? graph.Record.Last[0] : null);

    private static ResolveRecord? Asked(PageRequest request, GraphSample graph)
        => request.Query("resolve") is not { } asked ? null : graph.Record.Last.Concat(graph.Record.LastFailed)
            .FirstOrDefault(one => one.IsRecorded && Plain(one.Number) == asked);

    /// <summary>The resolve of the query, or else the newest, node by node.</summary>
    public static Markup One(PageRequest request, GraphSample graph)
    {
        string? asked = request.Query("resolve");
        ResolveRecord? one = Asked(request, graph);
        Markup gone = asked is not null && one is null
            ? Markup.Of($"""
                <p class="none">Resolve {VisibleText.Shorten(asked, 20)} is not among the last {GraphRecorder.MaxResolves} that are kept;
                this is the newest one.</p>
                """)
            : Markup.None;
        one ??= Find(request, graph);
        if (one is null) return gone;
        HashSet<int> critical = ResolvePath.Of(graph, one);
        Markup rest = one.Nodes.Length > MaxNodes
            ? Markup.Of($"<p>The first {MaxNodes} of {graph.Graph.Topology.Nodes.Count} nodes.</p>") : Markup.None;
        return Markup.Of($"""
            {gone}{Tables.Under($"Resolve {Shown.Count(one.Number)}",
                ["Node", "State", "Critical", ">Began after", ">Took", "Over time", "Why"],
                Enumerable.Range(0, Math.Min(one.Nodes.Length, MaxNodes)).Select(node => Row(one, graph, node,
                    critical.Contains(node))), "The graph has no nodes.")}{rest}
            """);
    }

    /// <summary>The anchor of the row of a node: a node of the picture leads there.</summary>
    public static string RowOf(GraphSample graph, string node) => $"node-{Plain(graph.Graph.Topology.Find(node).Id)}";

    private static IReadOnlyList<Markup> Row(ResolveRecord resolve, GraphSample graph, int number, bool isCritical)
    {
        NodeRun node = resolve.Nodes[number];
        string name = graph.Recorder.Names[number];
        string state = StateOf(node.Status) + (node.Attempts > 1 ? $", {node.Attempts} attempts" : "");
        return
        [
            Markup.Of($"<a id=\"{RowOf(graph, name)}\"></a>{VisibleText.Shorten(name, 60)}"),
            Markup.Of($"<span class=\"state {ClassOf(node.Status)}\">{state}</span>"),
            Tables.Cell(isCritical ? "★ critical" : ""),
            Tables.Cell(node.Status == NodeStatus.NotStarted ? "–" : Shown.Duration(node.Started)),
            Tables.Cell(node.HasRun || node.Status == NodeStatus.Cancelled ? Shown.Duration(node.Elapsed) : "–"),
            GanttStrip.DrawOne(resolve, number, isCritical, $"{name} over time"),
            Tables.Cell(node.Status == NodeStatus.Skipped ? $"{node.Why} produced nothing" : node.Why),
        ];
    }

    private static Markup Outcome(ResolveRecord one) => one.Outcome switch
    {
        ResolveOutcome.Failed => Markup.Of($"<span class=\"state failing\">failed</span>"),
        ResolveOutcome.Cancelled => Markup.Of($"<span class=\"state waiting\">cancelled</span>"),
        _ => Markup.Of($"<span class=\"state working\">succeeded</span>"),
    };

    private static string Counts(ResolveRecord one) => string.Join(", ", one.Nodes.GroupBy(static node => node.Status)
        .OrderBy(static some => Order(some.Key)).Select(static some => $"{Shown.Count(some.Count())} {StateOf(some.Key)}"));

    private static int Order(NodeStatus status) => status == NodeStatus.NotStarted ? int.MaxValue : (int)status;

    private static string StateOf(NodeStatus status) => status switch
    {
        NodeStatus.NotStarted => "not started",
        NodeStatus.Running => "still running",
        NodeStatus.FellBack => "fell back",
        _ => status.ToString().ToLowerInvariant(),
    };

    private static string ClassOf(NodeStatus status) => status switch
    {
        NodeStatus.Failed or NodeStatus.FellBack => "failing",
        NodeStatus.Succeeded => "working",
        NodeStatus.Running => "blocked",
        _ => "waiting",
    };

    private static string TitleOf(ResolveRecord one) => $"resolve {Shown.Count(one.Number)}";

    private static string Plain(long number) => number.ToString(CultureInfo.InvariantCulture);
}
