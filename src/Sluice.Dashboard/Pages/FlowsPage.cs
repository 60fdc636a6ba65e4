using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;
using Sluice.Flows;

namespace Sluice.Dashboard.Pages;

/// <summary>The runs of flows, the latest first.</summary>
internal static class FlowsPage
{
    private const int MaxRuns = 200;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        List<(StoreSource Store, FlowRunInfo Run)> runs = [];
        List<string> unreadable = [];
        foreach (StoreSample store in request.Sample.Stores)
            await foreach (FlowRunInfo run in FlowInspector.ListAsync(store.Store.Store, unreadable.Add, request.Aborted)
                .ConfigureAwait(false))
                runs.Add((store.Store, run));
        return new("Flows",
        [
            new("runs", Markup.Of($"""
                {Tables.Draw($"Runs of flows: the latest of {Shown.Count(runs.Count)}",
                    ["Run", "State", "Progress", "Started", "By", "Error"], runs.OrderBy(static one => one.Run.Status > FlowStatus.Running)
                        .ThenByDescending(static one => one.Run.StartedAt)
                        .Take(MaxRuns).Select(one => Row(request, one.Store, one.Run)), "No flow was run.")}
                {unreadable.Take(5).Select(static text => Tables.Show(new(Urgency.Warning, text)))}
                """)),
        ]);
    }

    private static IReadOnlyList<Markup> Row(PageRequest request, StoreSource store, FlowRunInfo run)
    {
        int ended = run.Processors.Count(static one => one.Status > FlowStatus.Running);
        return
        [
            Tables.Link(request.Address("flows", run.Run, store), VisibleText.Shorten(run.Run, 60)),
            Markup.Of($"<span class=\"state {StateOf(run.Status)}\">{run.Status.ToString().ToLowerInvariant()}</span>"),
            Progress(ended, run.Processors.Count),
            Shown.Time(run.StartedAt), Tables.Cell(run.StartedBy),
            Tables.Cell(VisibleText.Shorten(run.Processors.FirstOrDefault(static one => one.Origin == one.Name)?.Error ?? "", 200)),
        ];
    }

    private static Markup Progress(int done, int all)
    {
        string max = all.ToString(CultureInfo.InvariantCulture), value = done.ToString(CultureInfo.InvariantCulture);
        return Markup.Of($"<progress max=\"{max}\" value=\"{value}\"></progress> {done} of {all}");
    }

    /// <summary>The colour of a state.</summary>
    public static string StateOf(FlowStatus status) => status switch
    {
        FlowStatus.Waiting => "waiting",
        FlowStatus.Running => "working",
        FlowStatus.Completed => "ended",
        _ => "failing",
    };
}
