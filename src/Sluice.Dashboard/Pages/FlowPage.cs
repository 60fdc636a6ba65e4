using Sluice.Dashboard.Actions;
using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Pages;

/// <summary>A run of a flow: its graph, its processors over time, its streams and results.</summary>
internal static class FlowPage
{
    private const int MaxRows = 200;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        (StoreSample store, FlowRunInfo run) = await FindAsync(request).ConfigureAwait(false);
        DateTimeOffset now = await store.Store.Store.GetTimeAsync(request.Aborted).ConfigureAwait(false);
        (ProcessorInfo One, int At)[] rows = Rows(run);
        ProcessorInfo[] ended = [.. run.Processors.Where(static one => one.Status > FlowStatus.Running)];
        return new($"Run {VisibleText.Shorten(run.Run, 100)}",
        [
            new("verdict", Tables.Show(FlowVerdict.Of(RunLine.Of(run), run, now, run.Status > FlowStatus.Running ? null
                : await request.Sampler.FlowsOf(store.Store).Hosts.LookAsync(run, request.Aborted).ConfigureAwait(false)))),
            new("state", Markup.Of($"""
                {Tables.Facts(
                [
                    ("State", Tables.Cell(run.Status.ToString().ToLowerInvariant())),
                    ("Processors that have ended", Tables.Cell($"{ended.Length} of {run.Processors.Count}")),
                    ("Started", Shown.Time(run.StartedAt)), ("By", Tables.Cell(run.StartedBy)),
                    ("Ended", run.EndedAt is { } end ? Markup.Of($"{Shown.Time(end)} (after {Shown.Span(end - run.StartedAt)})")
                        : Tables.Cell("–")),
                ])}
                {Actions(request, store.Store, run)}
                """)),
            new("graph", run.Topology is { } topology ? GraphPicture.Figure(topology, node => LookAt(run, node.Name),
                node => AddressOf(request, store.Store, run, rows, node)) : Markup.None),
            new("processors", Processors(run, rows, now)),
            new("streams", FlowStreams.Table(request, store.Store, run)),
            new("values", await FlowStreams.ValuesAsync(request, store.Store, run).ConfigureAwait(false)),
            new("periods", FlowTimeline.Table(run, now)),
        ])
        { Place = Place.Flows, Above = [("Flows", $"{request.Root}/flows")] };
    }

    /// <summary>Finds the run that a request is about.</summary>
    /// <exception cref="MissingException">There is none.</exception>
    public static async Task<(StoreSample Store, FlowRunInfo Run)> FindAsync(PageRequest request)
    {
        StoreSample store = request.Sample.FindStore(request.StoreName) ?? throw new MissingException("There is no such store here.");
        string missing = $"There is no run '{VisibleText.Shorten(request.Name, 100)}' in {store.Store.Name}.";
        try
        {
            return (store, await request.Sampler.FlowsOf(store.Store).Inspector.FindAsync(request.Name, request.Aborted)
                .ConfigureAwait(false)
                ?? throw new MissingException(missing));
        }
        catch (ArgumentException)
        {
            throw new MissingException(missing);
        }
    }

    /// <summary>The inputs of a run that the store has not kept, so that it cannot be started again.</summary>
    public static string[] Lost(FlowRunInfo run) => [.. run.Streams.Where(static one => one.IsInput && !one.IsWhole)
        .Select(static one => one.Name)];

    private static Markup Actions(PageRequest request, StoreSource store, FlowRunInfo run)
    {
        if (!request.MayChange || !FlowActions.CanChange(request, store)) return Markup.None;
        if (run.Status <= FlowStatus.Running)
            return Markup.Of($"<div class=\"actions\">{request.Button(request.Address("flows", run.Run, store, "/cancel"),
                "Cancel the run", isDangerous: true)}</div>");
        string[] lost = Lost(run);
        string again = request.Address("flows", run.Run, store, "/again");
        return lost.Length == 0 ? Markup.Of($"<div class=\"actions\">{request.Button(again, "Start again…")}</div>")
            : Markup.Of($"""
                <p class="none">The run cannot be started again: the store has not kept all values of its
                {(lost.Length == 1 ? "input" : "inputs")} {VisibleText.Shorten(string.Join(", ", lost), 200)}. For later runs, give
                {(lost.Length == 1 ? "this stream" : "these streams")} FlowStreamOptions.Retention = Retention.All.</p>
                """);
    }

    private static NodeLook? LookAt(FlowRunInfo run, string name)
        => run.Processors.FirstOrDefault(one => one.Name == name) is not { } found ? null
            : new(FlowsPage.StateOf(found.Status), found.WaitsFor is null && found.Host is { } host ? $"at {VisibleText.Shorten(host, 24)}"
                : found.Status.ToString().ToLowerInvariant(), null);

    // A processor leads to its row, if that is shown; an input or a result, to its values.
    private static string? AddressOf(PageRequest request, StoreSource store, FlowRunInfo run, (ProcessorInfo One, int At)[] rows,
        string node)
    {
        for (int at = 0; at < run.Processors.Count; at++)
            if (run.Processors[at].Name == node) return Array.Exists(rows, row => row.At == at) ? $"#{RowOf(at)}" : null;
        return $"?stream={Uri.EscapeDataString(node)}{request.InStore(store, "&")}#values";
    }

    private static string RowOf(int processor) => $"processor-{processor.ToString(CultureInfo.InvariantCulture)}";

    // The processors that the table shows, with their places in the run.
    private static (ProcessorInfo One, int At)[] Rows(FlowRunInfo run)
    {
        IEnumerable<(ProcessorInfo One, int At)> all = run.Processors.Select(static (one, at) => (one, at));
        return [.. run.Processors.Count > MaxRows ? all.OrderBy(static row => Rank(row.One.Status)).Take(MaxRows) : all];

        static int Rank(FlowStatus status) => status switch
        {
            FlowStatus.Failed => 0,
            FlowStatus.Running => 1,
            FlowStatus.Waiting => 2,
            _ => 3,
        };
    }

    private static Markup Processors(FlowRunInfo run, (ProcessorInfo One, int At)[] rows, DateTimeOffset now)
    {
        Markup rest = run.Processors.Count <= MaxRows ? Markup.None : Markup.Of(
            $"<p>{MaxRows} of {Shown.Count(run.Processors.Count)} processors: those that have failed, then those that run.</p>");
        Markup table = Tables.Under("Processors",
            ["Name", "State", "Over time", "Host", ">Starts", ">Failed attempts", "Waits for", "Error"],
            rows.Select(row => Row(row.One, row.At, run, now)), "It has none.");
        return Markup.Join([table, rest]);
    }

    private static IReadOnlyList<Markup> Row(ProcessorInfo one, int at, FlowRunInfo run, DateTimeOffset now) =>
    [
        Markup.Of($"<a id=\"{RowOf(at)}\"></a>{VisibleText.Shorten(one.Name, 100)}"),
        FlowsPage.State(one.Status),
        FlowTimeline.Bars(one, run, now),
        Tables.Cell(one.Host ?? "–"), Tables.Cell(Shown.Count(one.Starts)), Tables.Cell(Shown.Count(one.FailedAttempts)),
        Tables.Cell(one.WaitsFor ?? "–"), Tables.Cell(VisibleText.Shorten(Why(one), 300)),
    ];

    private static string Why(ProcessorInfo one) => one.Error is { } error && one.Origin is { } origin && origin != one.Name
        ? $"Ended because '{origin}' has failed: {error}" : one.Error ?? one.LastFailure ?? "";
}
