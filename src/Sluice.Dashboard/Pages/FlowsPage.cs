using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Pages;

/// <summary>The runs of flows, a store at a time.</summary>
internal static class FlowsPage
{
    private const int MaxRows = 100;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        StoreSample[] stores = request.StoreName is null ? [.. request.Sample.Stores]
            : [request.Sample.FindStore(request.StoreName) ?? throw new MissingException("There is no such store here.")];
        var (parts, problems) = await EachStore.ReadAsync(stores, store => DrawAsync(request, store, stores.Length > 1))
            .ConfigureAwait(false);
        return new("Flows",
        [
            new("find", Markup.Of($"""
                <form method="get" action="{request.Root}/flows" class="filter">
                <label>Id begins with <input name="id" value="{Markup.Value(request.Query("id"))}" maxlength="64"></label>
                {LettersPage.PlaceFields(request)}<button>Find</button> <a href="{request.Root}/flows">All</a></form>
                """), IsLive: false),
            new("runs", Markup.Join([.. parts, problems])),
        ])
        { Place = Place.Flows };
    }

    // A page of the runs that were read so far, or of those whose ids begin with a text.
    private static async Task<Markup> DrawAsync(PageRequest request, StoreSource store, bool isOneOfMany)
    {
        FlowSampler flows = request.Sampler.FlowsOf(store);
        TimeSpan interval = request.Options.RefreshInterval * Sampler.Early;
        string? id = request.Query("id");
        int page = (int)Math.Min(request.QueryNumber("page") ?? 0, int.MaxValue);
        page = Math.Clamp(page, 1, FlowSampler.MaxKnown / MaxRows);
        RunLines found = id is null
            ? await flows.LookAsync((page - 1) * MaxRows, MaxRows + 1, interval, request.Aborted).ConfigureAwait(false)
            : await flows.FindAsync(id, request.Query("after") ?? "", MaxRows, interval, request.Aborted).ConfigureAwait(false);
        string here = $"{request.Root}/flows?store={store.Name}";
        string? more = id is null ? found.Lines.Count > MaxRows ? $"&page={Plain(page + 1)}" : null
            : found.Next is { } last ? $"&id={Uri.EscapeDataString(id)}&after={Uri.EscapeDataString(last)}" : null;
        Markup next = more is not null ? Markup.Of($"<p>{Tables.Link(here + more, "Next page")}</p>") : Markup.None;
        Markup unread = id is not null || found.Read == found.All ? Markup.None : Markup.Of($"""
            <p>{Shown.Count(found.Read)} of {Shown.Count(found.All, "run")} were read so far, those with the greatest ids first.
            {(found.Read < FlowSampler.MaxKnown ? "The others follow while this page is open." : "The others are found by their ids.")}</p>
            """);
        return Markup.Of($"""
            {(isOneOfMany ? Markup.Of($"<h2>{Tables.Link(here, store.Name)}</h2>") : Markup.None)}
            {Tables.Draw(id is null ? "Runs of flows: those that have not ended, then the latest" : "Runs of flows, by id",
                ["Run", "State", "Progress", "Started", "By", "Error"],
                found.Lines.Take(MaxRows).Select(one => Row(request, store, one)),
                found.All == 0 ? "No flow was run." : "There is none here.")}
            {next}{unread}
            {found.Problems.Select(static text => Tables.Show(new(Urgency.Warning, text)))}
            """);
    }

    private static IReadOnlyList<Markup> Row(PageRequest request, StoreSource store, RunLine run) =>
    [
        Tables.Link(request.Address("flows", run.Run, store), VisibleText.Shorten(run.Run, 60)),
        State(run.Status), Progress(run.Ended, run.Processors), Shown.Time(run.StartedAt), Tables.Cell(run.StartedBy),
        Tables.Cell(run.Error),
    ];

    /// <summary>The state of a run or a processor, in its colour.</summary>
    public static Markup State(FlowStatus status)
        => Markup.Of($"<span class=\"state {StateOf(status)}\">{status.ToString().ToLowerInvariant()}</span>");

    /// <summary>How many of the processors of a run have ended.</summary>
    public static Markup Progress(int done, int all) => Markup.Of($"""
        <progress max="{Plain(all)}" value="{Plain(done)}" aria-label="Processors that have ended"></progress> {done} of {all}
        """);

    private static string Plain(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The colour of a state.</summary>
    public static string StateOf(FlowStatus status) => status switch
    {
        FlowStatus.Waiting => "waiting",
        FlowStatus.Running => "working",
        FlowStatus.Completed => "ended",
        _ => "failing",
    };
}
