namespace Sluice.Dashboard.Pages;

/// <summary>The errors of one node.</summary>
internal static class NodeErrors
{
    private const int MaxRows = 20;

    /// <summary>The first dead letters of a node of a consecutor, and the way to all of them.</summary>
    /// <returns>The part, and whether there are any.</returns>
    public static async Task<(Markup Part, bool HasAny)> OfConsecutorAsync(PageRequest request, ConsecutorSample one, string node)
    {
        IReadOnlyList<StoredDeadLetter> letters = await request.Sampler.InspectorOf(one.Store)
            .ListDeadLettersAsync(one.Id, new() { Node = node }, 0, MaxRows, request.Aborted).ConfigureAwait(false);
        string all = request.Address(one, "/dead");
        all += $"{(all.Contains('?', StringComparison.Ordinal) ? '&' : '?')}node={Uri.EscapeDataString(node)}";
        Markup link = letters.Count == 0 ? Markup.None : Markup.Of($"""
            <p>{(letters.Count == MaxRows ? $"These are the {MaxRows} oldest. " : "")}{Tables.Link(all, "All dead letters of this node")}</p>
            """);
        return (Markup.Of($"""
            {Tables.Under("Dead letters of this node", LettersPage.Columns, letters.Select(letter => LettersPage.Row(request, one, letter)),
                "It has none.")}{link}
            """), letters.Count > 0);
    }

    /// <summary>The newest dead letters of a node of a run.</summary>
    public static Markup OfRun(RunSample run, string node) => Tables.Under("Newest dead letters of this node",
        ["Died", "Error", ">Attempts"],
        run.Snapshot.DeadLetters.Where(one => one.Node == node).TakeLast(MaxRows).Reverse().Select(static one => (IReadOnlyList<Markup>)
        [
            Shown.Time(one.At), Tables.Cell(VisibleText.Shorten(one.Error, 300)), Tables.Cell(Shown.Count(one.Attempts)),
        ]), "The run keeps none. It keeps the newest RunOptions.MaxDeadLetters of nodes with ErrorPolicy.DeadLetter.");
}
