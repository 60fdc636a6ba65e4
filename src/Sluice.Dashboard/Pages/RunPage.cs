using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;

namespace Sluice.Dashboard.Pages;

/// <summary>A run of a pipeline.</summary>
internal static class RunPage
{
    public static ValueTask<Page> DrawAsync(PageRequest request)
    {
        if (!request.Sample.Runs.TryGetValue(request.Name, out RunSample? run))
            throw new MissingException($"There is no run of the name '{VisibleText.Shorten(request.Name, 100)}' on this dashboard.");
        return ValueTask.FromResult(new Page(request.Name,
        [
            new("state", Tables.Facts(
            [
                ("State", Tables.Cell(run.Snapshot.Status.ToString().ToLowerInvariant())),
                ("For", Tables.Cell(Shown.Span(run.Snapshot.Elapsed))),
                ("Slowest node", Tables.Cell(run.Bottleneck?.Node.Name ?? "–")),
            ])),
            new("graph", GraphPicture.Figure(request.Options.Runs[request.Name].Topology, run.Nodes)),
            new("nodes", NodeTable.Draw(run)),
        ])
        { Above = [] });
    }
}
