namespace Sluice.Dashboard.Pages;

/// <summary>The first page: everything with its state, the urgent things first.</summary>
internal static class OverviewPage
{
    private const int MaxRows = 200;

    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(5);

    private static readonly string Elsewhere
        = $"Members are looked up for the {GroupDetails.Max} largest backlogs of a store only. Its page looks up its own.";

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        Sample sample = request.Sample;
        IReadOnlyList<(StoreSource Store, FlowSamples Flows)> flows = await request.Sampler.LookAtFlowsAsync(sample, request.Aborted)
            .ConfigureAwait(false);
        return new("Overview",
        [
            new("summary", OverviewSummary.Draw(sample, flows)),
            new("consecutors", Consecutors(request)),
            new("runs", sample.Pipelines.Count > 0 ? Pipelines(request) : Markup.None),
            new("flows", flows.Count > 0 ? OverviewFlows.Draw(request, flows) : Markup.None),
            new("graphs", sample.Graphs.Count > 0 || sample.GraphProblem is not null ? Graphs(request) : Markup.None),
            new("steps", sample.Steps.Count > 0 ? StepsPage.Overview(request) : Markup.None),
            new("stores", Stores(request)),
        ])
        { Place = Place.Overview };
    }

    private static Markup Consecutors(PageRequest request) => Markup.Of($"""
        <h2>Consecutors</h2>
        {Tables.Draw("Consecutors, the urgent ones first",
            ["Name", "What is wrong, and what to do", "State", ">Accepted", ">Ended", "Ended, 10 minutes", ">Backlog", ">Oldest", ">Dead"],
            request.Sample.Consecutors.Take(MaxRows).Select(one => Row(request, one)),
            request.Sample.Stores.Any(static store => store.At is null) ? "They are known after the first look at each store."
                : "There are none: name them in DashboardOptions.Consecutors, or add them with AddSluice.")}
        {(request.Sample.Consecutors.Count > MaxRows
            ? Markup.Of($"<p>The most urgent {MaxRows} of {request.Sample.Consecutors.Count}; all are among the streams.</p>")
            : Markup.None)}
        """);

    private static IReadOnlyList<Markup> Row(PageRequest request, ConsecutorSample one) =>
    [
        Tables.Link(request.Address(one), VisibleText.Shorten(one.Title, 60)), Tables.Show(one.Verdict),
        one.Snapshot?.Status is { } status ? Tables.Cell(ConsecutorPage.StateOf(one, status))
            : one.Group is { } group ? Tables.Cell(group.Look.Members.Count > 0 ? "elsewhere" : "not running")
            : Tables.Nothing(WhyUnknown(request, one)),
        Tables.Cell(Shown.Rate(one.AcceptedPerSecond)), Tables.Cell(Shown.Rate(one.EndedPerSecond)),
        Sparkline.Draw(one.Ended, $"Items of {one.Title} that ended in a second"),
        Tables.Cell(Shown.Count(one.Backlog)), Oldest(request, one), one.Dead == 0 ? Tables.Cell("0") : Markup.Of($"""
            <a class="bad" href="{request.Address(one, "/dead")}">{one.Dead}</a>
            """),
    ];

    private static Markup Pipelines(PageRequest request) => Markup.Of($"""
        <h2>Pipelines</h2>
        {Tables.Draw("Pipelines and producers, the urgent ones first",
            ["Name", "What is wrong, and what to do", "State", ">Rate", "10 minutes", ">Waiting", ">Oldest", ">Failed", ">Items",
                ">For"],
            request.Sample.Pipelines.Take(MaxRows).Select(one => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/runs/{PathName.Encode(one.Name)}", VisibleText.Shorten(one.Name, 60)),
                Tables.Show(one.Verdict), Tables.Cell(one.State), Tables.Cell(one.State == "running" ? Shown.Rate(one.PerSecond) : "–"),
                one.History is { } history ? Sparkline.Draw(history, $"Items of {one.Name} in a second") : Tables.Cell("–"),
                Tables.Cell(Shown.Count(one.Queued)), Oldest(one), Tables.Bad(one.Failed), Tables.Cell(Shown.Count(one.Items)),
                Tables.Cell(one.Look is { } run ? Shown.Span(run.Snapshot.Elapsed) : "–"),
            ]), "There are none.")}
        {Rest(request.Sample.Pipelines.Count)}
        """);

    private static Markup Graphs(PageRequest request) => Markup.Of($"""
        <h2>Graphs</h2>
        {(request.Sample.GraphProblem is { } problem ? Tables.Show(new(Urgency.Failing,
            $"Graphs of the host could not be made: {problem} They are made again in a minute.")) : Markup.None)}
        {Tables.Draw("Graphs, the urgent ones first",
            ["Name", "What is wrong, and what to do", "State", ">Resolves", "10 minutes", ">Takes", ">In flight", ">Oldest", ">Failed",
                ">Cancelled", ">Resolved"],
            request.Sample.Graphs.Take(MaxRows).Select(one => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/graphs/{PathName.Encode(one.Name)}", VisibleText.Shorten(one.Name, 60)),
                Tables.Show(one.Verdict), Tables.Cell(one.State),
                Tables.Cell(Shown.Rate(one.PerSecond)), Sparkline.Draw(one.History, $"Resolves of {one.Name} in a second"),
                Tables.Cell(one.Mean is { } mean ? Shown.Duration(mean) : "–"),
                Tables.Cell(Shown.Count(one.InFlight)), GraphPage.Oldest(one), Tables.Bad(one.Record.Failed),
                Tables.Cell(Shown.Count(one.Record.Cancelled)), Tables.Cell(Shown.Count(one.Record.Count)),
            ]), "There are none.")}
        {Rest(request.Sample.Graphs.Count)}
        """);

    private static Markup Oldest(PageRequest request, ConsecutorSample one)
        => one.Group?.Oldest is { } oldest ? Tables.Cell(Shown.Span(oldest)) : Tables.Nothing(one.Backlog == 0 ? "No item waits."
            : one.Group?.Problem is { } why ? why
            : one.Group is not null ? "Its store does not say when the oldest was accepted." : WhyUnknown(request, one));

    private static string WhyUnknown(PageRequest request, ConsecutorSample one)
        => request.Sample.Stores.FirstOrDefault(store => store.Store == one.Store)?.Damage.GetValueOrDefault(one.Name) ?? Elsewhere;

    // The engine knows when an item was accepted in consecutors only: elsewhere, items have no time of their own.
    private static Markup Oldest(PipelineSample one) => one.Oldest is { } oldest ? Tables.Cell(Shown.Duration(oldest))
        : one.Look is { Unmoved: { Ticks: > 0 } still } && !one.IsTimed ? Tables.Hint($"over {Shown.Span(still)}", "No item has moved "
            + "for so long although nodes work, so one is at least as old. How old is known with RunOptions.RecordTimings.")
        : Tables.Nothing(one.Look is null or { Snapshot.Status: > RunStatus.Stopping } ? "It does not run."
            : one.IsTimed ? "No item is in the code of a node."
            : one.Look.Unmoved is null ? "Its nodes wait for items."
            : "It is known with RunOptions.RecordTimings only: how long an item has been in the code of a node.");

    private static Markup Rest(int count) => count <= MaxRows ? Markup.None
        : Markup.Of($"<p>The most urgent {MaxRows} of {count}; the others have pages under their names, too.</p>");

    private static Markup Stores(PageRequest request) => Markup.Of($"""
        <h2>Stores</h2>
        {Tables.Draw("Stores", ["Name", "State", ">Streams", ">Backlog"], request.Sample.Stores.Select(store => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/streams{request.InStore(store.Store)}", store.Store.Name),
                Tables.Show(State(store, request.Options.Time.GetUtcNow())),
                Tables.Cell(Shown.Count(store.Names.Count) + (store.LookedAt < store.Names.Count
                    ? $" ({Shown.Count(store.LookedAt)} looked at so far)" : "")),
                Tables.Cell(Shown.Count(store.Streams.Values.Sum(static stream => stream.Backlog))),
            ]), "There is none.")}
        """);

    private static Verdict State(StoreSample store, DateTimeOffset now)
    {
        if (store.Problem is { } problem) return new(Urgency.Failing, problem);
        if (store.At is not { } seen) return new(Urgency.Held, "Was not looked at yet.");
        if (store.Damage.Count > 0)
            return new(Urgency.Warning, store.Damage.MinBy(static one => one.Key, StringComparer.Ordinal).Value
                + (store.Damage.Count > 1 ? $" {Shown.Count(store.Damage.Count)} streams are damaged: its page names them." : ""));
        TimeSpan silence = now - (store.AnsweredAt ?? seen), age = now - seen;
        return new(Urgency.Fine, (silence < Recent ? "Answers." : $"Answered {Shown.Span(silence)} ago.")
            + (age < Recent ? "" : $" Its figures are {Shown.Span(age)} old."));
    }
}
