namespace Sluice.Dashboard.Pages;

/// <summary>The first items that left the order: suspects, retries with their time, keys that wait behind a failed item, parked items.
/// </summary>
internal static class WaitingTable
{
    private const int MaxRows = 25, MaxError = 200;

    /// <param name="request">The request.</param>
    /// <param name="one">The consecutor.</param>
    /// <param name="node">The node that the items failed in; null for all items.</param>
    public static async ValueTask<Markup> DrawAsync(PageRequest request, ConsecutorSample one, string? node = null)
    {
        if (one.Group?.Look is not { } look) return Markup.None;
        int max = node is null ? WaitingItems.MaxOfPartition : WaitingItems.MaxSearched;
        (List<WaitingItem> items, bool hasMore, IReadOnlyList<string> problems) = await WaitingItems.ReadAsync(one, look, max,
            request.Aborted).ConfigureAwait(false);
        if (node is not null) items.RemoveAll(item => item.Entry.Node != node);
        if (items.Count == 0 && !hasMore && problems.Count == 0) return Markup.None;
        DateTimeOffset now = await one.Store.Store.GetTimeAsync(request.Aborted).ConfigureAwait(false);
        return Markup.Of($"""
            {problems.Select(static text => Tables.Show(new(Urgency.Warning, text)))}
            {Part("Suspects: in flight when a process died, each is run alone", ["Item", ">Attempts", ">Waiting behind it"],
                items.Where(static item => item.Entry.Status == WaitingStatus.Suspect), static item =>
                [Tables.Cell(item.Id), Tables.Cell(Shown.Count(item.Entry.Attempts)), Tables.Cell(Shown.Count(item.Followers))])}
            {Part("Failed items that are tried again", ["Item", ">Attempts", "Next attempt", "Node", "Last error", ">Waiting behind it"],
                items.Where(static item => item.Entry.Status == WaitingStatus.Retrying).OrderBy(static item => item.Entry.Due), item =>
                [Tables.Cell(item.Id), Tables.Cell(Shown.Count(item.Entry.Attempts)), Due(item.Entry, now), Node(item),
                    Error(item), Tables.Cell(Shown.Count(item.Followers))])}
            {Part("Items behind an earlier one of their key", ["Item", "Waits behind", "Accepted"],
                items.Where(static item => item.Behind is not null), static item =>
                [Tables.Cell(item.Id), Tables.Cell(item.Behind), Shown.Time(item.Entry.Entry.Time)])}
            {Part("Parked items: they wait for other code", ["Item", ">Code version", "Node", "Why", ">Waiting behind it"],
                items.Where(static item => item.Entry.Status == WaitingStatus.Parked && item.Behind is null), static item =>
                [Tables.Cell(item.Id), Tables.Cell(Shown.Count(item.Entry.Entry.CodeVersion)), Node(item), Error(item),
                    Tables.Cell(Shown.Count(item.Followers))])}
            {(hasMore ? Markup.Of($"""
                <p>There are more. The first {max} of a partition are looked at, of {WaitingItems.MaxPartitions} partitions.</p>
                """) : Markup.None)}
            """);
    }

    private static Markup Part(string heading, string[] headers, IEnumerable<WaitingItem> items, Func<WaitingItem, Markup[]> draw)
    {
        WaitingItem[] all = [.. items];
        return all.Length == 0 ? Markup.None : Markup.Of($"""
            {Tables.Under(heading, headers, all.Take(MaxRows).Select(item => (IReadOnlyList<Markup>)draw(item)), "")}
            {(all.Length > MaxRows ? Markup.Of($"<p>The first {MaxRows} of {all.Length}.</p>") : Markup.None)}
            """);
    }

    private static Markup Due(WaitingEntry entry, DateTimeOffset now) => entry.Due is not { } due ? Tables.Cell("–")
        : Markup.Of($"{(due > now ? "in " + Shown.Span(due - now) : "due")} <span class=\"none\">{Shown.Time(due)}</span>");

    private static Markup Node(WaitingItem item)
        => Tables.Cell(item.Entry.Node.Length == 0 ? "at the beginning" : VisibleText.Shorten(item.Entry.Node, 60));

    private static Markup Error(WaitingItem item) => Tables.Cell(VisibleText.Shorten(item.Entry.Error, MaxError));
}
