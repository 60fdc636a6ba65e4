using Sluice.Dashboard.Sampling;
using Sluice.Dashboard.Serving;

namespace Sluice.Dashboard.Pages;

/// <summary>The first items that left the order: retries with their time, items behind a failed one of their key, parked items,
/// suspects.</summary>
internal static class WaitingTable
{
    private const int MaxRows = 50, MaxPartitions = 16, MaxSearched = 1000;

    /// <param name="request">The request.</param>
    /// <param name="one">The consecutor.</param>
    /// <param name="node">The node that the items failed in; null for all items.</param>
    public static async ValueTask<Markup> DrawAsync(PageRequest request, ConsecutorSample one, string? node = null)
    {
        if (one.Group?.Look is not { } look) return Markup.None;
        List<(int Partition, WaitingEntry Entry)> found = [];
        foreach (PartitionInfo partition in look.Partitions.Where(static one => one.Waiting > 0).Take(MaxPartitions))
        {
            if (found.Count >= MaxRows) break;
            foreach (WaitingEntry entry in await one.Store.Store.ListWaitingAsync(one.Id, partition.Partition, null,
                node is null ? MaxRows - found.Count : MaxSearched, request.Aborted).ConfigureAwait(false))
                if (entry.Status != WaitingStatus.InFlight && (node is null || entry.Node == node) && found.Count < MaxRows)
                    found.Add((partition.Partition, entry));
        }
        if (found.Count == 0) return Markup.None;
        DateTimeOffset now = await one.Store.Store.GetTimeAsync(request.Aborted).ConfigureAwait(false);
        return Markup.Of($"""
            <h2>Items that wait</h2>
            {Tables.Draw("The first items that wait, by partition", ["Item", "Why", ">Attempts", "Next attempt", "Node", "Last error"],
                found.Select(item => (IReadOnlyList<Markup>)
                [
                    Tables.Cell(item.Entry.Entry.IdIn(one.Name, item.Partition).ToString()), Tables.Cell(WhyOf(item.Entry)),
                    Tables.Cell(Shown.Count(item.Entry.Attempts)),
                    item.Entry.Due is { } due ? Markup.Of($"{Shown.Time(due)} ({(due > now ? "in " + Shown.Span(due - now) : "due")})")
                        : Tables.Cell("–"),
                    Tables.Cell(VisibleText.Shorten(item.Entry.Node, 60)), Tables.Cell(VisibleText.Shorten(item.Entry.Error, 200)),
                ]), "")}
            """);
    }

    private static string WhyOf(WaitingEntry entry) => entry.Status switch
    {
        WaitingStatus.Retrying => "failed, is tried again",
        WaitingStatus.Parked when entry.Error.Length == 0
            => $"waits behind a failed item of its key, or for code that has its node (stored by code version {entry.Entry.CodeVersion})",
        WaitingStatus.Parked => $"parked (stored by code version {entry.Entry.CodeVersion})",
        WaitingStatus.Suspect => "suspect: it was in flight when a process died, and is run alone",
        _ => "in flight",
    };
}
