using Sluice.Diagnostics;

namespace Sluice.Dashboard.Pages;

/// <summary>A consecutor: its state, its graph, its members and partitions, and what waits.</summary>
internal static class ConsecutorPage
{
    private const int MaxPartitions = 10, MaxAllPartitions = 1_000;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        ConsecutorSample one = await FindAsync(request, withMembers: true).ConfigureAwait(false);
        return new(VisibleText.Shorten(one.Title, 100),
        [
            new("verdict", Tables.Show(one.Verdict)),
            new("actions", Actions(request, one)),
            new("figures", Figures(request, one)),
            new("graph", one.Local is { } local ? GraphPicture.Figure(local.Topology, one.Run?.Nodes, NodeAddress) : Markup.None),
            new("nodes", one.Local is null ? Markup.None : NodeTable.Draw(one.Run, NodeAddress)),
            new("waiting", await WaitingTable.DrawAsync(request, one).ConfigureAwait(false)),
            new("members", Members(request, one)),
        ]);

        string NodeAddress(string node) => NodePage.AddressOf(request, one, node);
    }

    /// <summary>Finds the consecutor that a request is about.</summary>
    /// <exception cref="MissingException">There is none.</exception>
    public static ConsecutorSample Find(PageRequest request) => request.FindConsecutor()
        ?? throw new MissingException(request.StoreName is not null && request.Sample.FindStore(request.StoreName) is null
            ? "There is no such store here."
            : request.MemberName is { } member && IsKnown(request)
                ? $"{VisibleText.Shorten(request.Name, 100)} has no member '{VisibleText.Shorten(member, 100)}' in this program."
            : $"There is no consecutor of the name '{VisibleText.Shorten(request.Name, 100)}' on this dashboard.");

    /// <summary>Finds the consecutor that a request is about, also if it is not among those of the look.</summary>
    /// <param name="request">The request.</param>
    /// <param name="withMembers">Whether the page shows members and partitions.</param>
    /// <exception cref="MissingException">There is none.</exception>
    public static async Task<ConsecutorSample> FindAsync(PageRequest request, bool withMembers = false)
    {
        ConsecutorSample? known = request.FindConsecutor();
        if (known is null && IsKnown(request)) return Find(request);           // the member that is named is not here
        if (known is null || withMembers)
            known = await request.Sampler.CompleteAsync(known, request.Sample, request.Name, request.StoreName, request.Aborted)
                .ConfigureAwait(false);
        return known ?? Find(request);
    }

    /// <summary>A page below that of a consecutor.</summary>
    public static Page Below(PageRequest request, ConsecutorSample one, string title, IReadOnlyList<PagePart> parts)
        => new(title, parts) { Above = [(one.Title, request.Address(one))] };

    private static bool IsKnown(PageRequest request) => request.Sample.Find(request.Name, request.StoreName) is not null;

    private static Markup Actions(PageRequest request, ConsecutorSample one)
    {
        string Address(string action) => request.Address(one, action);
        Markup links = Markup.Of($"""
            <a class="button" href="{Address("/dead")}">Dead letters ({one.Dead})</a>
            <a class="button" href="{Address("/state")}">State</a>
            """);
        // The pause is in the store: it holds other processes, too, and can always be ended.
        bool mayHold = one.Snapshot?.Status is ConsecutorStatus.Running or ConsecutorStatus.Paused
            || (one.Stream?.Consecutor is not null && (one.Local is null || one.PausedAt is not null));
        Markup buttons = !mayHold ? Markup.None : Markup.Of($"""
            {(one.PausedAt is null ? request.Button(Address("/pause"), "Pause") : request.Button(Address("/resume"), "Resume"))}
            {(one.IsDraining ? Markup.None : request.Button(Address("/drain"), "Drain"))}
            """);
        return Markup.Of($"<div class=\"actions\">{links}{buttons}</div>");
    }

    /// <summary>The figures of the last look. It asks no store.</summary>
    public static Markup Figures(PageRequest request, ConsecutorSample one)
    {
        List<(string, Markup)> facts =
        [
            ("Accepted", Tables.Cell(Shown.Rate(one.AcceptedPerSecond))),
            ("Ended", Markup.Of($"{Shown.Rate(one.EndedPerSecond)} {Sparkline.Draw(one.Ended, "Items that ended in a second")}")),
            ("Backlog", Markup.Of($"{one.Backlog} {Sparkline.Draw(one.Waiting, "Backlog")}")),
            ("Oldest item", Tables.Cell(one.Group?.Oldest is { } oldest ? Shown.Span(oldest) : one.Group?.Problem ?? "–")),
            ("Dead", one.Dead == 0 ? Tables.Cell("0") : Tables.Bad(one.Dead)),
        ];
        if (one.Snapshot is { } now)
            facts.AddRange(
            [
                ("State", Tables.Cell(StateOf(one, now.Status))),
                ("Completed", Tables.Cell(Shown.Count(now.Completed))), ("Skipped", Tables.Cell(Shown.Count(now.Skipped))),
                ("In flight", Tables.Cell(Shown.Count(now.InFlight))), ("Retrying", Tables.Cell(Shown.Count(now.Retrying))),
                ("Put aside", Tables.Cell(Shown.Count(now.Parked))), ("Suspect", Tables.Cell(Shown.Count(now.Suspect))),
                ("Cancelled", Tables.Cell(Shown.Count(now.Cancelled))),
            ]);
        return Markup.Of($"{Tables.Facts(facts)}{Outputs(one)}");
    }

    private static Markup Outputs(ConsecutorSample one) => one.Snapshot is not { Outputs.Count: > 0 } now ? Markup.None
        : Tables.Draw("Outputs since the start of this process", ["Output", ">Written", ">Discarded"],
            now.Outputs.Select(static output => (IReadOnlyList<Markup>)
                [
                    Tables.Cell(output.Key), Tables.Cell(Shown.Count(output.Value.Written)),
                    Tables.Cell(Shown.Count(output.Value.Discarded)),
                ]), "");

    private static Markup Members(PageRequest request, ConsecutorSample one)
    {
        if (one.Group?.Look is not { } look) return Markup.None;
        PartitionInfo[] busy = [.. look.Partitions.Where(static one => Backlog(one) > 0).OrderByDescending(Backlog)];
        int most = request.Query("partitions") == "all" ? MaxAllPartitions : MaxPartitions;
        string address = request.Address(one);
        Markup more = busy.Length <= most ? Markup.None : Markup.Of($"""
            <p>The {most} with the largest backlog of {busy.Length}. {(most == MaxPartitions ? Tables.Link(
                $"{address}{(address.Contains('?', StringComparison.Ordinal) ? '&' : '?')}partitions=all", "All") : Markup.None)}</p>
            """);
        ILookup<string?, long> backlogs = busy.ToLookup(static one => one.Owner, Backlog);
        return Markup.Of($"""
            {Tables.Under("Members", ["Name", "State", ">Partitions", ">Backlog", ">Last heartbeat"], look.Members.Select(member =>
                (IReadOnlyList<Markup>)[Tables.Cell(VisibleText.Shorten(member.Name, 80)), StateOf(member.Status),
                    Tables.Cell(Shown.Count(member.Partitions)), Tables.Cell(Shown.Count(backlogs[member.Name].Sum())),
                    member.Status == MemberStatus.NoHeartbeats ? Tables.Nothing("The store shows no heartbeat of it.")
                        : Tables.Cell(Shown.Span(member.SilentFor) + " ago")]), "There is no member: no process works on its items.")}
            {Tables.Under("Partitions with a backlog", ["Partition", "Owner", ">Backlog", ">Out of order"],
                busy.Take(most).Select(static one => (IReadOnlyList<Markup>)[Markup.Of($"<span>{(long)one.Partition}</span>"),
                    Tables.Cell(one.Owner is { } owner ? VisibleText.Shorten(owner, 80) : "no owner"),
                    Tables.Cell(Shown.Count(Backlog(one))), Tables.Cell(Shown.Count(one.Waiting))]), "No partition has a backlog.")}
            {more}
            """);
    }

    /// <summary>The state of a consecutor of this process, in a word.</summary>
    public static string StateOf(ConsecutorSample one, ConsecutorStatus status)
        => status == ConsecutorStatus.Paused && one.IsDraining ? "draining" : status.ToString().ToLowerInvariant();

    private static long Backlog(PartitionInfo partition) => partition.Tail - partition.Done + partition.Waiting + partition.InFlightAgain;

    private static Markup StateOf(MemberStatus status) => status switch
    {
        MemberStatus.Alive => Tables.Cell("alive"),
        MemberStatus.Silent => Tables.Cell("silent"),
        MemberStatus.NoHeartbeats => Tables.Cell("sends no heartbeats"),
        _ => Tables.Hint("not known yet", "Its next heartbeat says that it is alive: one comes in each third of its lease duration."),
    };
}
