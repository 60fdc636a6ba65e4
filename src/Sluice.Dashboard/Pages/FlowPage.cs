using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;
using Sluice.Flows;

namespace Sluice.Dashboard.Pages;

/// <summary>A run of a flow: its graph, its processors, its streams.</summary>
internal static class FlowPage
{
    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        StoreSample store = request.Sample.FindStore(request.StoreName) ?? throw new MissingException("There is no such store here.");
        FlowRunInfo run = await FindAsync(request, store.Store).ConfigureAwait(false);
        ProcessorInfo[] ended = [.. run.Processors.Where(static one => one.Status > FlowStatus.Running)];
        string action = request.Address("flows", run.Run, store.Store, "/cancel");
        return new($"Run {VisibleText.Shorten(run.Run, 100)}",
        [
            new("state", Markup.Of($"""
                {Tables.Facts(
                [
                    ("State", Tables.Cell(run.Status.ToString().ToLowerInvariant())),
                    ("Processors that have ended", Tables.Cell($"{ended.Length} of {run.Processors.Count}")),
                    ("Started", Shown.Time(run.StartedAt)), ("By", Tables.Cell(run.StartedBy)),
                    ("Ended", run.EndedAt is { } end ? Markup.Of($"{Shown.Time(end)} (after {Shown.Span(end - run.StartedAt)})")
                        : Tables.Cell("–")),
                ])}
                <div class="actions">{(run.Status <= FlowStatus.Running && request.Options.Supervisors.Count > 0
                    ? request.Button(action, "Cancel the run", isDangerous: true) : Markup.None)}</div>
                """)),
            new("graph", run.Topology is { } topology ? GraphPicture.Figure(topology, node => LookAt(run, node.Name)) : Markup.None),
            new("processors", Tables.Under("Processors", ["Name", "State", "Host", ">Starts", ">Failed attempts", "Waits for", "Error"],
                run.Processors.Select(Row), "It has none.")),
            new("streams", Tables.Under("Streams", ["Stream", ">Written", ">Kept", ">Bytes", "Complete"], run.Streams.Select(static one =>
                (IReadOnlyList<Markup>)[Tables.Cell(one.Name), Tables.Cell(Shown.Count(one.Written)), Tables.Cell(Shown.Count(one.Kept)),
                    Tables.Cell(Shown.Bytes(one.Bytes)), Tables.Cell(one.IsComplete ? "yes" : "no")]), "It has none.")),
        ])
        { Above = [("Flows", $"{request.Root}/flows")] };
    }

    private static async Task<FlowRunInfo> FindAsync(PageRequest request, StoreSource store)
    {
        string missing = $"There is no run '{VisibleText.Shorten(request.Name, 100)}' in {store.Name}.";
        try
        {
            return await FlowInspector.FindAsync(store.Store, request.Name, request.Aborted).ConfigureAwait(false)
                ?? throw new MissingException(missing);
        }
        catch (ArgumentException)
        {
            throw new MissingException(missing);
        }
    }

    private static NodeLook? LookAt(FlowRunInfo run, string name)
        => run.Processors.FirstOrDefault(one => one.Name == name) is not { } found ? null
            : new(FlowsPage.StateOf(found.Status), found.WaitsFor is null && found.Host is { } host ? $"at {VisibleText.Shorten(host, 24)}"
                : found.Status.ToString().ToLowerInvariant(), null);

    private static IReadOnlyList<Markup> Row(ProcessorInfo one) =>
    [
        Tables.Cell(VisibleText.Shorten(one.Name, 100)),
        Markup.Of($"<span class=\"state {FlowsPage.StateOf(one.Status)}\">{one.Status.ToString().ToLowerInvariant()}</span>"),
        Tables.Cell(one.Host ?? "–"), Tables.Cell(Shown.Count(one.Starts)), Tables.Cell(Shown.Count(one.FailedAttempts)),
        Tables.Cell(one.WaitsFor ?? "–"), Tables.Cell(VisibleText.Shorten(one.Error ?? one.LastFailure ?? "", 300)),
    ];
}
