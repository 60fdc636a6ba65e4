using Sluice.Graphs;

namespace Sluice.Dashboard.Pages;

/// <summary>A graph that is resolved by request: its topology, the last resolves, and its nodes in the last hour.</summary>
internal static class GraphPage
{
    private const int MaxDrawn = 300, MaxRows = 100;

    public static ValueTask<Page> DrawAsync(PageRequest request)
    {
        GraphSample found = request.Sample.Graphs.FirstOrDefault(one => one.Name == request.Name)
            ?? throw new MissingException($"There is no graph of the name '{VisibleText.Shorten(request.Name, 100)}' on this dashboard.");
        IReadOnlyList<NodeFigures> figures = found.Recorder.Figures();
        return ValueTask.FromResult(new Page(found.Name,
        [
            new("verdict", Tables.Show(found.Verdict)),
            new("state", State(found)),
            new("graph", Picture(request, found, figures)),
            new("resolves", ResolveTables.Last(request, found)),
            new("resolve", ResolveTables.One(request, found)),
            new("slowest", Slowest(figures)),
            new("failures", Failures(figures)),
        ]));
    }

    /// <summary>How long the oldest resolve has been running; a dash if that is not known.</summary>
    public static Markup Oldest(GraphSample graph) => graph.Oldest is { } oldest ? Tables.Cell(Shown.Duration(oldest))
        : Tables.Nothing(graph.InFlight == 0 ? "No resolve is in flight."
            : $"The first {GraphRecorder.MaxPerSecond} resolves of a second are timed, and all of those have ended.");

    private static Markup State(GraphSample graph) => Tables.Facts(
    [
        ("Requests", Tables.Cell(graph.Graph.RequestType is { IsGenericType: false } type ? type.Name
            : graph.Graph.RequestType.ToString())),
        ("Resolves", Tables.Cell(Shown.Rate(graph.PerSecond))),
        ("Failing", Tables.Cell(Shown.Rate(graph.FailedPerSecond))),
        ("Takes, lately", Tables.Cell(graph.Mean is { } mean ? Shown.Duration(mean) : "–")),
        ("State", Tables.Cell(graph.State)),
        ("In flight", Tables.Cell(Shown.Count(graph.InFlight))),
        ("Oldest in flight", Oldest(graph)),
        ("Resolved", Tables.Cell(Shown.Count(graph.Record.Count))),
        ("Failed", Tables.Cell(Shown.Count(graph.Record.Failed))),
        ("Cancelled", Tables.Cell(Shown.Count(graph.Record.Cancelled))),
    ]);

    private static Markup Picture(PageRequest request, GraphSample graph, IReadOnlyList<NodeFigures> figures)
    {
        if (graph.Graph.Topology.Nodes.Count > MaxDrawn)
            return Markup.Of($"""
                <p class="none">The graph has {graph.Graph.Topology.Nodes.Count} nodes, which no picture shows well. The tables show the
                slowest ones. The first {GraphRecorder.MaxNodes} in topological order are recorded.</p>
                """);
        Dictionary<string, NodeFigures> hour = figures.ToDictionary(static one => one.Name, StringComparer.Ordinal);
        Dictionary<string, NodeStatus> states = new(StringComparer.Ordinal);          // of the resolve that is shown node by node
        if (ResolveTables.Find(request, graph) is { } shown)
            for (int node = 0; node < shown.Nodes.Length; node++) states[graph.Recorder.Names[node]] = shown.Nodes[node].Status;
        return GraphPicture.Figure(graph.Graph.Topology, node => new(states.GetValueOrDefault(node.Name) switch
        {
            NodeStatus.Failed or NodeStatus.FellBack => "failing",
            NodeStatus.Succeeded => "working",
            NodeStatus.Running => "blocked",
            _ => "waiting",
        }, hour.GetValueOrDefault(node.Name) is { } known
            ? Shown.Duration(known.Mean) + (known.Failed > 0 ? $" · {Shown.Count(known.Failed)} failed" : "") : "", null),
            name => $"#{ResolveTables.RowOf(graph, name)}");
    }

    private static Markup Slowest(IReadOnlyList<NodeFigures> figures) => Tables.Under("Slowest nodes of the last hour",
        ["Node", ">Recorded", ">Mean", ">95 %", ">Longest", ">In all"],
        figures.OrderByDescending(static one => one.Total).ThenBy(static one => one.Name, StringComparer.Ordinal).Take(MaxRows)
            .Select(static one => (IReadOnlyList<Markup>)
        [
            Tables.Cell(VisibleText.Shorten(one.Name, 60)), Tables.Cell(Shown.Count(one.Count)), Tables.Cell(Shown.Duration(one.Mean)),
            Tables.Cell(Shown.Duration(one.Percentile95)), Tables.Cell(Shown.Duration(one.Max)),
            Tables.Cell(Shown.Duration(one.Total)),
        ]), "No node ran in the last hour.");

    private static Markup Failures(IReadOnlyList<NodeFigures> figures) => Tables.Under("Failures of the last hour",
        ["Node", ">Failed", ">Of recorded", "Last", "Error"],
        figures.Where(static one => one.LastFailure is not null).OrderByDescending(static one => one.Failed)
            .ThenBy(static one => one.Name, StringComparer.Ordinal).Take(MaxRows).Select(static one => (IReadOnlyList<Markup>)
        [
            Tables.Cell(VisibleText.Shorten(one.Name, 60)), Tables.Cell(Shown.Count(one.Failed)), Tables.Cell(Shown.Count(one.Count)),
            Shown.Time(one.LastFailure!.Value.At), Tables.Cell(one.LastFailure.Value.Why),
        ]), "No node failed in the last hour.");
}
