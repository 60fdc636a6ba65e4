using Sluice.Graphs;

namespace Sluice.Dashboard.Pages;

/// <summary>The scopes of steps of one name: the last ones, one of them call by call, and its steps in the last hour.</summary>
internal static class StepsPage
{
    private const int MaxCalls = 200, MaxRows = 100;

    public static ValueTask<Page> DrawAsync(PageRequest request)
    {
        ScopeRecords found = request.Sample.Steps.FirstOrDefault(one => one.Name == request.Name)
            ?? throw new MissingException($"No scope of the name '{VisibleText.Shorten(request.Name, 100)}' has ended here.");
        ScopeRecord[] all = [.. found.Last.Concat(found.LastFailed).DistinctBy(static one => one.Times.Number)
            .OrderByDescending(static one => one.Times.Number)];
        return ValueTask.FromResult(new Page(VisibleText.Shorten(found.Name, 100),
        [
            new("verdict", Tables.Show(found.Verdict)),
            new("scopes", Last(request, found, all)),
            new("scope", One(request, all)),
            new("slowest", Tables.Under("Slowest steps of the last hour", ["Step", ">Recorded", ">Failed", ">Mean", ">95 %", ">Longest",
                ">In all"], found.Steps.OrderByDescending(static one => one.Mean).Take(MaxRows).Select(static one => (IReadOnlyList<Markup>)
            [
                Tables.Cell(one.Name), Tables.Cell(Shown.Count(one.Count)), Tables.Cell(Shown.Count(one.Failed)),
                Tables.Cell(Shown.Duration(one.Mean)), Tables.Cell(Shown.Duration(one.Percentile95)),
                Tables.Cell(Shown.Duration(one.Max)), Tables.Cell(Shown.Duration(one.Total)),
            ]), "No step was recorded in the last hour.")),
        ]));
    }

    /// <summary>The names of scopes, for the first page.</summary>
    public static Markup Overview(PageRequest request) => Markup.Of($"""
        <h2>Steps</h2>
        {Tables.Draw("Scopes of steps, the urgent ones first",
            ["Name", "What is wrong, and what to do", ">Ended", ">With failures", ">Took"],
            request.Sample.Steps.Take(MaxRows).Select(one => (IReadOnlyList<Markup>)
            [
                Tables.Link(Address(request, one.Name), VisibleText.Shorten(one.Name, 60)), Tables.Show(one.Verdict),
                Tables.Cell(Shown.Count(one.Count)), Tables.Cell(Shown.Count(one.Failed)),
                Tables.Cell(one.Last.Count > 0 ? Shown.Duration(one.Last[0].Times.Elapsed) : "–"),
            ]), "There are none.")}
        """);

    private static Markup Last(PageRequest request, ScopeRecords found, ScopeRecord[] all) => Tables.Under("Last scopes",
        ["Scope", "Ended", "Outcome", ">Took", "Calls over time", ">Calls", "Why"], all.Select(one => (IReadOnlyList<Markup>)
        [
            Tables.Link($"{Address(request, found.Name)}?scope={Plain(one.Times.Number)}", $"scope {Shown.Count(one.Times.Number)}"),
            Shown.Time(one.Times.EndedAt), Outcome(one.Times.Outcome), Tables.Cell(Shown.Duration(one.Times.Elapsed)),
            one.Times.IsRecorded ? GanttStrip.Draw(one.Times, one.Names, one.Critical, $"Calls of scope {Plain(one.Times.Number)}")
                : Tables.Cell("not recorded"),
            Tables.Cell(Shown.Count(one.Called)), Tables.Cell(one.Times.Problem),
        ]), "There was none.");

    private static Markup One(PageRequest request, ScopeRecord[] all)
    {
        string? asked = request.Query("scope");
        ScopeRecord? one = asked is null ? null : Array.Find(all, one => Plain(one.Times.Number) == asked);
        Markup gone = asked is not null && one is null
            ? Markup.Of($"<p class=\"none\">Scope {VisibleText.Shorten(asked, 20)} is not kept any more; this is the newest one.</p>")
            : Markup.None;
        one ??= all.Length > 0 ? all[0] : null;
        if (one is null) return gone;
        Markup rest = one.Times.Nodes.Length > MaxCalls ? Markup.Of($"<p>The first {MaxCalls} of {one.Called} calls.</p>") : Markup.None;
        return Markup.Of($"""
            {gone}{Tables.Under($"Scope {Shown.Count(one.Times.Number)}",
                ["Call", "State", "Critical", ">Began after", ">Took", "Over time"],
                Enumerable.Range(0, Math.Min(one.Times.Nodes.Length, MaxCalls)).Select(call => Row(one, call)),
                "Its calls were not recorded: StepScopeOptions.RecordsGraph is false, or it has more than "
                    + $"{ScopeRecorder.MaxCalls}.")}{rest}
            """);
    }

    private static IReadOnlyList<Markup> Row(ScopeRecord one, int call)
    {
        NodeRun run = one.Times.Nodes[call];
        bool isCritical = one.Critical.Contains(call);
        string state = run.Status switch
        {
            NodeStatus.NotStarted => "not started",
            NodeStatus.Running => "still running",
            _ => run.Status.ToString().ToLowerInvariant(),
        };
        return
        [
            Tables.Cell(one.Names[call]),
            Markup.Of($"<span class=\"state {(run.HasFailed ? "failing" : run.HasRun ? "working" : "waiting")}\">{state}</span>"),
            Tables.Cell(isCritical ? "★ critical" : ""),
            Tables.Cell(run.Status == NodeStatus.NotStarted ? "–" : Shown.Duration(run.Started)),
            Tables.Cell(run.Status == NodeStatus.NotStarted ? "–" : Shown.Duration(run.Elapsed)),
            GanttStrip.DrawOne(one.Times, call, isCritical, $"{one.Names[call]} over time"),
        ];
    }

    private static Markup Outcome(ResolveOutcome outcome) => outcome switch
    {
        ResolveOutcome.Failed => Markup.Of($"<span class=\"state failing\">failed</span>"),
        ResolveOutcome.Cancelled => Markup.Of($"<span class=\"state waiting\">cancelled</span>"),
        _ => Markup.Of($"<span class=\"state working\">succeeded</span>"),
    };

    private static string Address(PageRequest request, string name) => $"{request.Root}/steps/{PathName.Encode(name)}";

    private static string Plain(long number) => number.ToString(CultureInfo.InvariantCulture);
}
