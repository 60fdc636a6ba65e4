namespace Sluice.Dashboard.Pages;

/// <summary>The nodes of a run with their figures, in the order of the items.</summary>
internal static class NodeTable
{
    /// <param name="run">The run; null if it is not in this process.</param>
    /// <param name="address">The page of a node, by its name.</param>
    public static Markup Draw(RunSample? run, Func<string, string> address) => Tables.Draw("Nodes",
        ["Node", "Does", ">Rate", "10 minutes", ">In", ">Out", ">Waits before it", ">Skipped", ">Failed", ">Retried", ">Blocked"],
        run is null ? [] : run.Snapshot.Nodes.Select(node => Row(run.Nodes[node.Name], address)), "It is not running in this process.");

    private static IReadOnlyList<Markup> Row(NodeSample node, Func<string, string> address) =>
    [
        Tables.Link(address(node.Node.Name), VisibleText.Shorten(node.Node.Name, 60)),
        Markup.Of($"<span class=\"state {node.State}\">{node.State}</span>{(node.Node.BlockedOn is { } edge ? $" on {edge}" : "")}"),
        Tables.Cell(Shown.Rate(node.PerSecond)),
        Sparkline.Draw(node.History, $"Items of {node.Node.Name} in a second"),
        Tables.Cell(Shown.Count(node.Node.In)), Tables.Cell(Shown.Count(node.Node.Out)), Tables.Cell(Shown.Count(node.Node.Queued)),
        Tables.Cell(Shown.Count(node.Node.Skipped)), Tables.Bad(node.Node.Failed),
        Tables.Bad(node.Node.Retried), Tables.Cell(Shown.Share(node.BlockedShare)),
    ];
}
