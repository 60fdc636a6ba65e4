namespace Sluice.Dashboard.Pages;

/// <summary>A run of a pipeline, or of a producer.</summary>
internal static class RunPage
{
    public static ValueTask<Page> DrawAsync(PageRequest request)
    {
        PipelineSample found = Find(request);
        RunSample? run = found.Look;
        bool hasStarted = found.Run is not null && run is not null;
        return ValueTask.FromResult(new Page(found.Name,
        [
            new("verdict", Tables.Show(found.Verdict)), new("state", Tables.Facts(
            [
                ("State", Tables.Cell(found.State)),
                ("For", Tables.Cell(run is null ? "–" : Shown.Span(run.Snapshot.Elapsed))),
                ("Items", Tables.Cell(Shown.Count(found.Items))),
                ("Slowest node", Tables.Cell(run?.Bottleneck?.Node.Name ?? "–")),
            ])),
            new("graph", hasStarted ? GraphPicture.Figure(found.Run!.Topology, run!.Nodes, NodeAddress) : Markup.None),
            new("nodes", hasStarted ? NodeTable.Draw(run, NodeAddress) : Markup.None),
        ]));

        string NodeAddress(string node) => NodePage.AddressOf(request, node);
    }

    /// <summary>Finds the pipeline that a request is about.</summary>
    /// <exception cref="MissingException">There is none.</exception>
    public static PipelineSample Find(PageRequest request) => request.Sample.Pipelines.FirstOrDefault(one => one.Name == request.Name)
        ?? throw new MissingException($"There is no run of the name '{VisibleText.Shorten(request.Name, 100)}' on this dashboard.");
}
