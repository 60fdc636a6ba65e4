using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;

namespace Sluice.Dashboard.Pages;

/// <summary>The first page: everything with its state, the urgent things first.</summary>
internal static class OverviewPage
{
    private const int MaxRows = 200;

    public static ValueTask<Page> DrawAsync(PageRequest request)
    {
        Sample sample = request.Sample;
        return ValueTask.FromResult(new Page("Overview",
        [
            new("summary", Summary(sample)),
            new("consecutors", Consecutors(request)),
            .. sample.Pipelines.Count > 0 ? [new PagePart("runs", Pipelines(request))] : Array.Empty<PagePart>(),
            .. sample.Graphs.Count > 0 || sample.GraphProblem is not null ? [new PagePart("graphs", Graphs(request))]
                : Array.Empty<PagePart>(),
            .. sample.Steps.Count > 0 ? [new PagePart("steps", StepsPage.Overview(request))] : Array.Empty<PagePart>(),
            new("stores", Stores(request)),
        ]));
    }

    private static Markup Summary(Sample sample)
    {
        (string Kind, Verdict[] Verdicts)[] all =
        [
            ("consecutor", [.. sample.Consecutors.Select(static one => one.Verdict)]),
            ("pipeline", [.. sample.Pipelines.Select(static one => one.Verdict)]),
            ("graph", [.. sample.Graphs.Select(static one => one.Verdict),
                .. sample.GraphProblem is { } problem ? [new Verdict(Urgency.Failing, problem)] : Array.Empty<Verdict>()]),
            ("scope", [.. sample.Steps.Select(static one => one.Verdict)]),
        ];
        if (Those(Urgency.Failing) is { } failing)
            return Tables.Show(new(Urgency.Failing, $"{failing.Text} {(failing.Count == 1 ? "does" : "do")} not work."));
        if (Those(Urgency.Warning) is { } warned)
            return Tables.Show(new(Urgency.Warning, $"{warned.Text} should be looked at."));
        return Tables.Show(sample.Stores.Any(static store => store.Problem is not null)
            ? new(Urgency.Failing, "A store does not answer.") : new(Urgency.Fine, "Everything works."));

        (string Text, int Count)? Those(Urgency urgency)
        {
            (string Kind, int Count)[] some = [.. all.Select(one => (one.Kind, one.Verdicts.Count(verdict => verdict.Urgency == urgency)))
                .Where(static one => one.Item2 > 0)];
            return some.Length == 0 ? null
                : (string.Join(" and ", some.Select(static one => Shown.Count(one.Count, one.Kind))), some.Sum(static one => one.Count));
        }
    }

    private static Markup Consecutors(PageRequest request) => Markup.Of($"""
        <h2>Consecutors</h2>
        {Tables.Draw("Consecutors, the urgent ones first",
            ["Name", "What is wrong, and what to do", "State", ">Accepted", ">Ended", "Ended, 10 minutes", ">Backlog", ">Oldest", ">Dead"],
            request.Sample.Consecutors.Take(MaxRows).Select(one => Row(request, one)),
            "There are none: name them in DashboardOptions.Consecutors, or add them with AddSluice.")}
        {(request.Sample.Consecutors.Count > MaxRows
            ? Markup.Of($"<p>The most urgent {MaxRows} of {request.Sample.Consecutors.Count}; all are among the streams.</p>")
            : Markup.None)}
        """);

    private static IReadOnlyList<Markup> Row(PageRequest request, ConsecutorSample one) =>
    [
        Tables.Link(request.Address("consecutors", one.Name, one.Store), VisibleText.Shorten(one.Name, 60)), Tables.Show(one.Verdict),
        Tables.Cell(one.Snapshot?.Status.ToString().ToLowerInvariant()
            ?? (one.Group?.Look.Members.Count > 0 ? "elsewhere" : "not running")),
        Tables.Cell(Shown.Rate(one.AcceptedPerSecond)), Tables.Cell(Shown.Rate(one.EndedPerSecond)),
        Sparkline.Draw(one.Ended, $"Items of {one.Name} that ended in a second"),
        Tables.Cell(Shown.Count(one.Backlog)), Tables.Cell(one.Group?.Oldest is { } oldest ? Shown.Span(oldest) : "–"),
        one.Dead == 0 ? Tables.Cell("0")
            : Tables.Link(request.Address("consecutors", one.Name, one.Store, "/dead"), Shown.Count(one.Dead)),
    ];

    private static Markup Pipelines(PageRequest request) => Markup.Of($"""
        <h2>Pipelines</h2>
        {Tables.Draw("Pipelines and producers, the urgent ones first",
            ["Name", "What is wrong, and what to do", "State", ">Items", ">For"],
            request.Sample.Pipelines.Take(MaxRows).Select(one => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/runs/{PathName.Encode(one.Name)}", VisibleText.Shorten(one.Name, 60)),
                Tables.Show(one.Verdict), Tables.Cell(one.State),
                Tables.Cell(Shown.Count(one.Items)),
                Tables.Cell(one.Look is { } run ? Shown.Span(run.Snapshot.Elapsed) : "–"),
            ]), "There are none.")}
        {Rest(request.Sample.Pipelines.Count)}
        """);

    private static Markup Graphs(PageRequest request) => Markup.Of($"""
        <h2>Graphs</h2>
        {(request.Sample.GraphProblem is { } problem ? Tables.Show(new(Urgency.Failing,
            $"Graphs of the host could not be made: {problem} They are made again in a minute.")) : Markup.None)}
        {Tables.Draw("Graphs, the urgent ones first",
            ["Name", "What is wrong, and what to do", ">Resolves", "10 minutes", ">Takes", ">Resolved", ">Failed", ">Cancelled"],
            request.Sample.Graphs.Take(MaxRows).Select(one => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/graphs/{PathName.Encode(one.Name)}", VisibleText.Shorten(one.Name, 60)),
                Tables.Show(one.Verdict),
                Tables.Cell(Shown.Rate(one.PerSecond)), Sparkline.Draw(one.History, $"Resolves of {one.Name} in a second"),
                Tables.Cell(one.Mean is { } mean ? Shown.Duration(mean) : "–"),
                Tables.Cell(Shown.Count(one.Record.Count)), Tables.Cell(Shown.Count(one.Record.Failed)),
                Tables.Cell(Shown.Count(one.Record.Cancelled)),
            ]), "There are none.")}
        {Rest(request.Sample.Graphs.Count)}
        """);

    private static Markup Rest(int count) => count <= MaxRows ? Markup.None
        : Markup.Of($"<p>The most urgent {MaxRows} of {count}; the others have pages under their names, too.</p>");

    private static Markup Stores(PageRequest request) => Markup.Of($"""
        <h2>Stores</h2>
        {Tables.Draw("Stores", ["Name", "State", ">Streams", ">Backlog"], request.Sample.Stores.Select(store => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/streams{request.InStore(store.Store)}", store.Store.Name),
                Tables.Show(store.Problem is { } problem ? new(Urgency.Failing, problem)
                    : store.At is null ? new(Urgency.Held, "Was not looked at yet.") : new(Urgency.Fine, "Answers.")),
                Tables.Cell(Shown.Count(store.Names.Count) + (store.Streams.Count < store.Names.Count
                    ? $" ({Shown.Count(store.Streams.Count)} looked at so far)" : "")),
                Tables.Cell(Shown.Count(store.Streams.Values.Sum(static stream => stream.Backlog))),
            ]), "There is none.")}
        """);
}
