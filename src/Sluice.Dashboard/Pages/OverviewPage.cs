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
            .. sample.Runs.Count > 0 ? [new PagePart("runs", Runs(request))] : Array.Empty<PagePart>(),
            new("stores", Stores(request)),
        ]));
    }

    private static Markup Summary(Sample sample)
    {
        int failing = sample.Consecutors.Count(static one => one.Verdict.Urgency == Urgency.Failing);
        int warned = sample.Consecutors.Count(static one => one.Verdict.Urgency == Urgency.Warning);
        string text = failing > 0 ? $"{Shown.Count(failing, "consecutor")} {(failing == 1 ? "does" : "do")} not work."
            : warned > 0 ? $"{Shown.Count(warned, "consecutor")} should be looked at."
            : sample.Stores.Any(static store => store.Problem is not null) ? "A store does not answer." : "Everything works.";
        return Tables.Show(new(failing > 0 ? Urgency.Failing : warned > 0 ? Urgency.Warning
            : sample.Stores.Any(static store => store.Problem is not null) ? Urgency.Failing : Urgency.Fine, text));
    }

    private static Markup Consecutors(PageRequest request) => Markup.Of($"""
        <h2>Consecutors</h2>
        {Tables.Draw("Consecutors, the urgent ones first",
            ["Name", "State", ">Accepted", ">Ended", "Ended, last minutes", ">Backlog", ">Oldest", ">Dead",
                "What is wrong, and what to do"],
            request.Sample.Consecutors.Take(MaxRows).Select(one => Row(request, one)),
            "There are none: name them in DashboardOptions.Consecutors, or add them with AddSluice.")}
        {(request.Sample.Consecutors.Count > MaxRows
            ? Markup.Of($"<p>The most urgent {MaxRows} of {request.Sample.Consecutors.Count}; all are among the streams.</p>")
            : Markup.None)}
        """);

    private static IReadOnlyList<Markup> Row(PageRequest request, ConsecutorSample one) =>
    [
        Tables.Link(request.Address("consecutors", one.Name, one.Store), VisibleText.Shorten(one.Name, 60)),
        Tables.Cell(one.Snapshot?.Status.ToString().ToLowerInvariant()
            ?? (one.Group?.Look.Members.Count > 0 ? "elsewhere" : "not running")),
        Tables.Cell(Shown.Rate(one.AcceptedPerSecond)), Tables.Cell(Shown.Rate(one.EndedPerSecond)),
        Sparkline.Draw(one.Ended, $"Items of {one.Name} that ended in a second"),
        Tables.Cell(Shown.Count(one.Backlog)), Tables.Cell(one.Group?.Oldest is { } oldest ? Shown.Span(oldest) : "–"),
        one.Dead == 0 ? Tables.Cell("0")
            : Tables.Link(request.Address("consecutors", one.Name, one.Store, "/dead"), Shown.Count(one.Dead)),
        Tables.Show(one.Verdict),
    ];

    private static Markup Runs(PageRequest request) => Markup.Of($"""
        <h2>Pipelines</h2>
        {Tables.Draw("Runs of pipelines", ["Name", "State", ">Items", ">For", "What is wrong, and what to do"],
            request.Sample.Runs.Select(one => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/runs/{PathName.Encode(one.Key)}", one.Key),
                Tables.Cell(one.Value.Snapshot.Status.ToString().ToLowerInvariant()),
                Tables.Cell(Shown.Count(one.Value.Nodes.Values.Where(static node => node.Node.Node.InputType is null)
                    .Sum(static node => node.Node.Out))),
                Tables.Cell(Shown.Span(one.Value.Snapshot.Elapsed)),
                Tables.Show(RunVerdict.Of(one.Value)),
            ]), "There are none.")}
        """);

    private static Markup Stores(PageRequest request) => Markup.Of($"""
        <h2>Stores</h2>
        {Tables.Draw("Stores", ["Name", ">Streams", ">Backlog", "State"], request.Sample.Stores.Select(store => (IReadOnlyList<Markup>)
            [
                Tables.Link($"{request.Root}/streams{request.InStore(store.Store)}", store.Store.Name),
                Tables.Cell(Shown.Count(store.Streams.Count)),
                Tables.Cell(Shown.Count(store.Streams.Values.Sum(static stream => stream.Backlog))),
                Tables.Show(store.Problem is { } problem ? new(Urgency.Failing, problem)
                    : store.At is null ? new(Urgency.Held, "Was not looked at yet.") : new(Urgency.Fine, "Answers.")),
            ]), "There is none.")}
        """);
}
