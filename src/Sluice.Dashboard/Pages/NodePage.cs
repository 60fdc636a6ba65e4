using Sluice.Topologies;

namespace Sluice.Dashboard.Pages;

/// <summary>One node of a consecutor or of a run: its figures, its neighbors, its slowest items, its errors, and
/// the items that wait for it.</summary>
internal static class NodePage
{
    private const int MaxNeighbors = 50;

    /// <summary>Draws a node of a consecutor. Its dead letters are shown wherever the consecutor runs.</summary>
    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request, withMembers: true).ConfigureAwait(false);
        string name = request.Node;
        bool isKnown = one.Local?.Topology.TryFind(name, out _) == true;
        (Markup errors, bool hasErrors) = await NodeErrors.OfConsecutorAsync(request, one, name).ConfigureAwait(false);
        // Code that is older or newer may have had the node.
        if (!isKnown && !hasErrors)
            throw new MissingException($"{one.Name} has no node of the name '{VisibleText.Shorten(name, 100)}' in this process, and no "
                + "dead letter of one.");
        return ConsecutorPage.Below(request, one, $"Node {VisibleText.Shorten(name, 100)}",
        [
            .. isKnown ? Parts(request, one.Name, one.Local!.Topology, one.Run, name, node => AddressOf(request, one, node))
                : [new PagePart("figures", Markup.Of($"""
                    <p class="none">{(one.Local is null ? "The consecutor does not run in this process, which therefore has no figures."
                        : "The code in this process has no node of this name.")}</p>
                    """)), new("place", Markup.None), new("slowest", Markup.None)],
            new("errors", errors),
            new("waiting", await WaitingTable.DrawAsync(request, one, name).ConfigureAwait(false)),
        ]);
    }

    /// <summary>Draws a node of a run.</summary>
    public static ValueTask<Page> DrawOfRunAsync(PageRequest request)
    {
        if (RunPage.Find(request) is not { Run.Topology: { } topology, Look: { } run })
            throw new MissingException($"{VisibleText.Shorten(request.Name, 100)} has not started, so its nodes have no figures.");
        if (!topology.TryFind(request.Node, out _))
            throw new MissingException($"The run has no node of the name '{VisibleText.Shorten(request.Node, 100)}'.");
        return ValueTask.FromResult(new Page($"Node {VisibleText.Shorten(request.Node, 100)}",
        [
            .. Parts(request, request.Name, topology, run, request.Node, node => AddressOf(request, node)),
            new("errors", NodeErrors.OfRun(run, request.Node)),
        ])
        { Above = [(request.Name, $"{request.Root}/runs/{PathName.Encode(request.Name)}")] });
    }

    /// <summary>The page of a node of a consecutor.</summary>
    public static string AddressOf(PageRequest request, ConsecutorSample one, string node)
        => request.Address(one, "/nodes/" + PathName.Encode(node));

    /// <summary>The page of a node of the run that a request is about.</summary>
    public static string AddressOf(PageRequest request, string node)
        => $"{request.Root}/runs/{PathName.Encode(request.Name)}/nodes/{PathName.Encode(node)}";

    private static IEnumerable<PagePart> Parts(PageRequest request, string owner, Topology topology, RunSample? run, string name,
        Func<string, string> address)
    {
        TopologyNode node = topology.Find(name);
        yield return new("figures", run?.Nodes.GetValueOrDefault(name) is { } look ? Figures(look)
            : Markup.Of($"<p class=\"none\">It is not running.</p>"));
        yield return new("place", Tables.Facts(
        [
            ("Kind", Tables.Cell(node.Kind)),
            ("Code", Tables.Cell(node.Function is { } function ? VisibleText.Shorten(function, 100) : "–")),
            ("Settings", Tables.Cell(node.Details.Count == 0 ? "–" : string.Join(", ", node.Details))),
            ("Types", Tables.Cell(node.Signature.Length == 0 ? "–" : VisibleText.Shorten(node.Signature, 200))),
            ("Gets items from", Neighbors(topology.Incoming(node).Select(static edge => edge.From), address)),
            ("Gives items to", Neighbors(topology.Outgoing(node).Select(static edge => edge.To), address)),
        ]));
        IReadOnlyList<SlowItem> slowest = run?.Nodes.GetValueOrDefault(name)?.Node.Slowest ?? [];
        yield return new("slowest", slowest.Count == 0 ? Markup.None : Tables.Under(
            "Slowest items of the last ten minutes", [">Time", "Left it", "Item"], slowest.Select(item => (IReadOnlyList<Markup>)
            [
                Tables.Cell(Shown.Duration(item.Time)), Shown.Time(item.At),
                Tables.Cell(PayloadText.Item(item.Item, request.Options.MaskPayload, owner)),
            ]), ""));
    }

    private static Markup Figures(NodeSample look)
    {
        NodeSnapshot node = look.Node;
        List<(string, Markup)> facts =
        [
            ("Does", Markup.Of($"<span class=\"state {look.State}\">{look.State}</span>{(node.BlockedOn is { } edge ? $" on {edge}" : "")}")),
            ("Rate", Markup.Of($"{Shown.Rate(look.PerSecond)} {Sparkline.Draw(look.History, "Items in a second")}")),
            ("In", Tables.Cell(Shown.Count(node.In))), ("Out", Tables.Cell(Shown.Count(node.Out))),
            ("Waits before it", Tables.Cell(Shown.Count(node.Queued))), ("Skipped", Tables.Cell(Shown.Count(node.Skipped))),
            ("Failed", Tables.Cell(Shown.Count(node.Failed))), ("Retried", Tables.Cell(Shown.Count(node.Retried))),
            ("Blocked", Tables.Cell(Shown.Share(look.BlockedShare))),
            ("Lanes in its code", node is { BusyLanes: 0, Time: null } ? Tables.Hint($"none of {node.Lanes} awaits", "Lanes in code that "
                + "does not await are counted with RunOptions.RecordTimings only.") : Tables.Cell($"{node.BusyLanes} of {node.Lanes}")),
            ("Longest in it now", node.LongestInside is { } inside ? Tables.Cell(Shown.Duration(inside))
                : Tables.Nothing(node.Time is null ? "It is known with RunOptions.RecordTimings only." : "No item is in its code.")),
            ("Time in it per item", Tables.Cell(node.Time is not { } time ? "not recorded (RunOptions.RecordTimings)"
                : node.In == 0 ? "–" : $"{(time / node.In).TotalMilliseconds.ToString("0.###", CultureInfo.InvariantCulture)} ms")),
        ];
        facts.AddRange(node.Measured.OrderBy(static one => one.Key, StringComparer.Ordinal).Take(MaxNeighbors)
            .Select(static one => (VisibleText.Shorten(one.Key, 60), Tables.Cell(Shown.Span(one.Value)))));
        return Tables.Facts(facts);
    }

    private static Markup Neighbors(IEnumerable<TopologyNode> nodes, Func<string, string> address)
    {
        TopologyNode[] all = [.. nodes.Distinct()];
        if (all.Length == 0) return Tables.Cell("–");
        IEnumerable<Markup> links = all.Take(MaxNeighbors).Select((node, at) => Markup.Of(
            $"{(at == 0 ? "" : ", ")}{Tables.Link(address(node.Name), VisibleText.Shorten(node.Name, 60))}"));
        return Markup.Of($"{links}{(all.Length > MaxNeighbors ? $" and {Shown.Count(all.Length - MaxNeighbors)} more" : "")}");
    }
}
