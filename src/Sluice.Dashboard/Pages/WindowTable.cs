namespace Sluice.Dashboard.Pages;

/// <summary>The windows that a consecutor keeps: all of its nodes, or those of the partition of a key.</summary>
internal static class WindowTable
{
    private const int MaxRows = 200;

    /// <param name="request">The request.</param>
    /// <param name="one">The consecutor.</param>
    /// <param name="nodes">The nodes with windows.</param>
    /// <param name="key">The key of items; null for all partitions.</param>
    public static async Task<Markup> DrawAsync(PageRequest request, ConsecutorSample one, IReadOnlyList<string> nodes, string? key)
    {
        if (nodes.Count == 0) return Markup.None;
        int? partition = key is null || one.Stream is not { } stream ? null : EntryKey.Of(key).PartitionOf(stream.Info.Options.Partitions);
        List<(string Node, KeptWindow Window)> found = [];
        foreach (string node in nodes)
            await foreach (KeptWindow window in one.Store.Store.ListWindowsAsync(one.Name, node, partition, request.Aborted)
                .ConfigureAwait(false))
            {
                if (found.Count > MaxRows) break;
                found.Add((node, window));
            }
        string end = found.Count > MaxRows ? $"These are the first {MaxRows}." : "";
        string where = partition is { } of
            ? $"Windows are kept by partition. Items with the key '{VisibleText.Shorten(key!, 100)}' are in partition {Shown.Count(of)}." : "";
        return Markup.Of($"""
            {Tables.Under("Windows", ["Node", ">Partition", "Start", "End", ">Items", ">Came out"], found.Take(MaxRows).Select(static one =>
                Row(one.Node, one.Window)), "No window is open.")}
            <p>{where} {end}</p>
            """);
    }

    private static IReadOnlyList<Markup> Row(string node, KeptWindow window) =>
    [
        Tables.Cell(VisibleText.Shorten(node, 100)), Tables.Cell(Shown.Count(window.Partition)), Time(window.Start), Time(window.End),
        Tables.Cell(Shown.Count(window.Items)),
        Tables.Cell(window.Panes switch { null => "–", 0 => "no", 1 => "once", { } panes => $"{Shown.Count(panes)} times" }),
    ];

    private static Markup Time(DateTimeOffset? time)
        => time is { } known ? Shown.Time(known) : Tables.Cell("not readable: the program has its own serializer for numbers");
}
