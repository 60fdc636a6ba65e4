namespace Sluice.Dashboard.Pages;

/// <summary>The runs of flows on the first page: those that have not ended, and those that failed in the last day.</summary>
internal static class OverviewFlows
{
    public static Markup Draw(PageRequest request, IReadOnlyList<(StoreSource Store, FlowSamples Flows)> flows) => Markup.Of($"""
        <h2>Flows</h2>
        {Tables.Draw("Runs of flows that have not ended, or have failed in the last day; the urgent ones first",
            ["Run", "What is wrong, and what to do", "State", "Progress", ">Rate", ">Backlog", ">Oldest", ">Failed attempts",
                ">Started"],
            flows.SelectMany(static one => one.Flows.Runs.Select(run => (one.Store, one.Flows.At, Run: run)))
                .OrderByDescending(static one => one.Run.Verdict.Urgency).Select(one => Row(request, one.Store, one.Run, one.At)),
            "No run is under way, and none has failed in the last day.")}
        {flows.Select(one => Rest(request, one.Store, one.Flows))}
        """);

    private static IReadOnlyList<Markup> Row(PageRequest request, StoreSource store, FlowSample one, DateTimeOffset now) =>
    [
        Tables.Link(request.Address("flows", one.Line.Run, store), VisibleText.Shorten(one.Line.Run, 60)), Tables.Show(one.Verdict),
        FlowsPage.State(one.Line.Status), FlowsPage.Progress(one.Line.Ended, one.Line.Processors), Tables.Cell(Shown.Rate(one.PerSecond)),
        Tables.Cell(one.Backlog is { } backlog ? Shown.Count(backlog) : "–"), Oldest(one), Tables.Bad(one.Line.FailedAttempts),
        Tables.Cell(Shown.Span(now - one.Line.StartedAt) + " ago"),
    ];

    private static Markup Oldest(FlowSample one) => one.Oldest is { } oldest ? Tables.Cell(Shown.Span(oldest))
        : one.Detail is not null ? Tables.Nothing("No processor has a value that it has not read.")
        : Tables.Nothing(one.Line.HasEnded ? "The run has ended."
            : $"The streams are read of the first {FlowGlance.MaxDetails} runs that have not ended. The page of the run shows its own.");

    private static Markup Rest(PageRequest request, StoreSource store, FlowSamples flows)
    {
        int more = flows.Found.Count - flows.Runs.Count;
        string where = request.Sample.Stores.Count > 1 ? $" of {store.Name}" : "";
        string read = flows.Found.Read < flows.Found.All ? $" ({Shown.Count(flows.Found.Read)} were read so far)" : "";
        return Markup.Of($"""
            <p>{(more > 0 ? $"{Shown.Count(more)} more of them. " : "")}{Tables.Link($"{request.Root}/flows{request.InStore(store)}",
                $"All runs{where}: {Shown.Count(flows.Found.All)}")}{read}</p>
            """);
    }
}
