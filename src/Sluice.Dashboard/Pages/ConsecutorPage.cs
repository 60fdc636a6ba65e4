using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;

namespace Sluice.Dashboard.Pages;

/// <summary>A consecutor: its state, its graph, its members and partitions, and what waits.</summary>
internal static class ConsecutorPage
{
    private const int MaxPartitions = 64;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        ConsecutorSample one = await FindAsync(request, withMembers: true).ConfigureAwait(false);
        return new(VisibleText.Shorten(one.Name, 100),
        [
            new("verdict", Tables.Show(one.Verdict)),
            new("actions", Actions(request, one)),
            new("figures", Figures(request, one)),
            .. one.Local is { } local
                ? [new PagePart("graph", GraphPicture.Figure(local.Topology, one.Run?.Nodes, NodeAddress)),
                    new("nodes", NodeTable.Draw(one.Run, NodeAddress))]
                : Array.Empty<PagePart>(),
            new("waiting", await WaitingTable.DrawAsync(request, one).ConfigureAwait(false)),
            new("members", Members(one)),
        ]);

        string NodeAddress(string node) => NodePage.AddressOf(request, one, node);
    }

    /// <summary>Finds the consecutor that a request is about.</summary>
    /// <exception cref="MissingException">There is none.</exception>
    public static ConsecutorSample Find(PageRequest request) => request.Sample.Find(request.Name, request.StoreName)
        ?? throw new MissingException($"There is no consecutor of the name '{VisibleText.Shorten(request.Name, 100)}' on this dashboard.");

    /// <summary>Finds the consecutor that a request is about, also if it is not among those of the look.</summary>
    /// <param name="request">The request.</param>
    /// <param name="withMembers">Whether the page shows members and partitions.</param>
    /// <exception cref="MissingException">There is none.</exception>
    public static async Task<ConsecutorSample> FindAsync(PageRequest request, bool withMembers = false)
    {
        ConsecutorSample? known = request.Sample.Find(request.Name, request.StoreName);
        if (known is null || withMembers)
            known = await request.Sampler.CompleteAsync(known, request.Sample, request.Name, request.StoreName, request.Aborted)
                .ConfigureAwait(false);
        // A store that does not answer may have it.
        if (known is null && request.Sample.Stores.FirstOrDefault(one => one.IsSilent
            && (request.StoreName is null || one.Store.Name == request.StoreName)) is { Problem: { } silence })
            throw new TimeoutException(silence);
        return known ?? Find(request);
    }

    /// <summary>A page below that of a consecutor.</summary>
    public static Page Below(PageRequest request, ConsecutorSample one, string title, IReadOnlyList<PagePart> parts)
        => new(title, parts) { Above = [(one.Name, request.Address("consecutors", one.Name, one.Store))] };

    private static Markup Actions(PageRequest request, ConsecutorSample one)
    {
        string Address(string action) => request.Address("consecutors", one.Name, one.Store, action);
        Markup links = Markup.Of($"""
            <a class="button" href="{Address("/dead")}">Dead letters ({one.Dead})</a>
            <a class="button" href="{Address("/state")}">State</a>
            """);
        Markup pause = one.PausedAt is null ? request.Button(Address("/pause"), "Pause") : request.Button(Address("/resume"), "Resume");
        Markup buttons = one.Snapshot?.Status switch
        {
            ConsecutorStatus.Running or ConsecutorStatus.Paused => Markup.Of(
                $"{pause}{request.Button(Address("/drain"), "Drain and stop", isDangerous: true)}"),
            // The group is in the store: it can be paused for other processes, and a pause can always be ended.
            _ => one.Stream?.Consecutor is not null && (one.Local is null || one.PausedAt is not null) ? pause : Markup.None,
        };
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
            ("Oldest item", Tables.Cell(one.Group?.Oldest is { } oldest ? Shown.Span(oldest) : "–")),
            ("Dead", one.Dead == 0 ? Tables.Cell("0") : Tables.Bad(one.Dead)),
        ];
        if (one.Snapshot is { } now)
            facts.AddRange(
            [
                ("State", Tables.Cell(now.Status.ToString().ToLowerInvariant())),
                ("Completed", Tables.Cell(Shown.Count(now.Completed))), ("Skipped", Tables.Cell(Shown.Count(now.Skipped))),
                ("In flight", Tables.Cell(Shown.Count(now.InFlight))), ("Retrying", Tables.Cell(Shown.Count(now.Retrying))),
                ("Parked", Tables.Cell(Shown.Count(now.Parked))), ("Suspect", Tables.Cell(Shown.Count(now.Suspect))),
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

    private static Markup Members(ConsecutorSample one)
    {
        if (one.Group?.Look is not { } look) return Markup.None;
        PartitionInfo[] busy = [.. look.Partitions.Where(static one => Backlog(one) > 0).OrderByDescending(Backlog)];
        Markup more = busy.Length <= MaxPartitions ? Markup.None
            : Markup.Of($"<p>The {MaxPartitions} with the largest backlog of {busy.Length}.</p>");
        ILookup<string?, long> backlogs = busy.ToLookup(static one => one.Owner, Backlog);
        return Markup.Of($"""
            {Tables.Under("Members", ["Name", "State", ">Partitions", ">Backlog", ">Last heartbeat"], look.Members.Select(member =>
                (IReadOnlyList<Markup>)[Tables.Cell(VisibleText.Shorten(member.Name, 80)), Tables.Cell(StateOf(member.Status)),
                    Tables.Cell(Shown.Count(member.Partitions)), Tables.Cell(Shown.Count(backlogs[member.Name].Sum())),
                    Tables.Cell(Shown.Span(member.SilentFor) + " ago")]), "There is no member: nobody works on its items.")}
            {Tables.Under("Partitions with a backlog", ["Partition", "Owner", ">Backlog", ">Out of order"],
                busy.Take(MaxPartitions).Select(static one => (IReadOnlyList<Markup>)[Tables.Cell(Shown.Count(one.Partition)),
                    Tables.Cell(one.Owner is { } owner ? VisibleText.Shorten(owner, 80) : "no owner"),
                    Tables.Cell(Shown.Count(Backlog(one))), Tables.Cell(Shown.Count(one.Waiting))]), "No partition has a backlog.")}
            {more}
            """);
    }

    private static long Backlog(PartitionInfo partition) => partition.Tail - partition.Done + partition.Waiting;

    private static string StateOf(MemberStatus status) => status switch
    {
        MemberStatus.Alive => "alive",
        MemberStatus.Silent => "silent",
        MemberStatus.NoHeartbeats => "sends no heartbeats",
        _ => "not known yet",
    };
}
