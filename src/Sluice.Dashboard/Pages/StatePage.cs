namespace Sluice.Dashboard.Pages;

/// <summary>The state of a consecutor: its nodes, and the rows of one key, or the first rows of a node.</summary>
internal static class StatePage
{
    private const int MaxRows = 200, MaxLooks = 20_000;

    public static async ValueTask<Page> DrawAsync(PageRequest request)
    {
        ConsecutorSample one = await ConsecutorPage.FindAsync(request).ConfigureAwait(false);
        // A consecutor that has not started has no group in the store.
        IReadOnlyList<NodeState> nodes = one.Stream?.Consecutor is null ? []
            : await one.Store.Store.ListStateAsync(one.Name, request.Aborted).ConfigureAwait(false);
        string? node = request.Query("node"), key = request.Query("key");
        if (node is not null && !nodes.Any(found => found.Node == node))
            throw new MissingException($"{VisibleText.Shorten(one.Name, 100)} has no state of a node '{VisibleText.Shorten(node, 100)}' in "
                + "the store.");
        string here = request.Address(one, "/state");
        return ConsecutorPage.Below(request, one, $"State of {VisibleText.Shorten(one.Name, 100)}",
        [
            new("find", Markup.Of($"""
                <form method="get" action="{here.Split('?')[0]}" class="filter">
                <label>Key begins with <input name="key" value="{Markup.Value(key)}" maxlength="200"></label>
                {(node is null ? Markup.None : LettersPage.Hidden("node", node))}
                {LettersPage.PlaceFields(request)}<button>Look up</button></form>
                """), IsLive: false),
            new("nodes", Tables.Draw("Nodes with state", ["Node", ">Rows", ">Version", "Shape"], nodes.Select(found =>
                (IReadOnlyList<Markup>)[Tables.Link(here + (here.Contains('?', StringComparison.Ordinal) ? '&' : '?')
                    + $"node={Uri.EscapeDataString(found.Node)}", found.Node), Tables.Cell(Shown.Count(found.Rows)),
                    Tables.Cell(Shown.Count(found.Version)), Tables.Cell(found.Shape ?? "–")]), "It keeps no state."), IsLive: false),
            .. node is null && !request.Has("key") ? Array.Empty<PagePart>()
                :
                [
                    new PagePart("windows", await WindowTable.DrawAsync(request, one, Chosen(windows: true), key).ConfigureAwait(false),
                        IsLive: false),
                    new PagePart("rows", await RowsAsync(request, one, Chosen(windows: false), key).ConfigureAwait(false), IsLive: false),
                ],
        ]);

        // The rows of windows have keys of the library's own.
        string[] Chosen(bool windows) => [.. nodes.Where(found => found.HasWindows == windows && (node is null || found.Node == node))
            .Select(static found => found.Node)];
    }

    private static async Task<Markup> RowsAsync(PageRequest request, ConsecutorSample one, string[] nodes, string? key)
    {
        if (nodes.Length == 0) return Markup.None;
        List<(string Node, StoredState Row)> found = [];
        int looks = 0;
        foreach (string node in nodes)
            await foreach (StoredState row in one.Store.Store.ListStateAsync(one.Name, node, request.Aborted).ConfigureAwait(false))
            {
                if (++looks > MaxLooks || found.Count >= MaxRows) break;
                if (key is null || row.Key.StartsWith(key, StringComparison.Ordinal)) found.Add((node, row));
            }
        string end = looks > MaxLooks ? $"Only the first {Shown.Count(MaxLooks)} rows were looked at."
            : found.Count >= MaxRows ? $"These are the first {MaxRows} rows." : "";
        return Markup.Of($"""
            {Tables.Under("Rows", ["Node", "Key", ">Version", ">Partition", "Value"], found.Select(row => Draw(request, row.Node, row.Row)),
                "There is no such row.")}
            <p>{end}</p>
            """);
    }

    private static IReadOnlyList<Markup> Draw(PageRequest request, string node, StoredState row)
    {
        (string value, _) = PayloadText.Show(row.Payload, request.Options.MaskPayload, request.Name);
        return
        [
            Tables.Cell(node),
            Tables.Cell(row.Key.Length == 0 ? "(empty)" : VisibleText.Shorten(row.Key, 200)),
            Tables.Cell(Shown.Count(row.Version)),
            Tables.Cell(Shown.Count(row.Partition)), Markup.Of($"<pre tabindex=\"0\">{VisibleText.Shorten(value, 2000)}</pre>"),
        ];
    }
}
