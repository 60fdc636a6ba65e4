using Sluice.Diagnostics;

namespace Sluice.Dashboard.Pages;

/// <summary>An item that left the order.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Entry">The item.</param>
/// <param name="Behind">The id of the first waiting item of its key, for which it waits; null if there is none.</param>
internal sealed record WaitingItem(string Id, WaitingEntry Entry, string? Behind)
{
    /// <summary>How many of the items that were read wait behind it.</summary>
    public int Followers { get; set; }
}

/// <summary>The first items of a consecutor that left the order, and which of them wait for an earlier one of their key.</summary>
internal static class WaitingItems
{
    public const int MaxPartitions = 16, MaxOfPartition = 200, MaxSearched = 1000;

    /// <param name="one">The consecutor.</param>
    /// <param name="look">Its group.</param>
    /// <param name="max">How many items to read of a partition.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The items without payloads, whether there are more, and what is wrong with partitions that cannot be read.</returns>
    public static async Task<(List<WaitingItem> Items, bool HasMore, IReadOnlyList<string> Problems)> ReadAsync(
        ConsecutorSample one, GroupLook look, int max, CancellationToken cancellation)
    {
        PartitionInfo[] partitions = [.. look.Partitions.Where(static one => one.Waiting > 0)];
        bool hasMore = partitions.Length > MaxPartitions;
        List<WaitingItem> all = [];
        List<string> problems = [];
        foreach (PartitionInfo partition in partitions.Take(MaxPartitions))
        {
            IReadOnlyList<WaitingEntry> entries;
            try
            {
                entries = await one.Store.Store.ListWaitingHeadsAsync(one.Id, partition.Partition, long.MinValue, max, cancellation)
                    .ConfigureAwait(false);
            }
            catch (StreamStoreException damage) when (damage.IsPermanent)
            {
                problems.Add($"Waiting items of partition {partition.Partition} are left out: {damage.Message}");
                continue;
            }
            hasMore |= entries.Count == max;
            Dictionary<EntryKey, WaitingItem> first = [];            // without keys, a partition is one key
            foreach (WaitingEntry entry in entries.OrderBy(static one => one.Entry.Sequence))
            {
                bool hasOrder = entry.Entry.Sequence > 0;            // what was redriven has none
                WaitingItem? before = hasOrder ? first.GetValueOrDefault(entry.Entry.Key) : null;
                bool isBehind = before is not null && entry.Status == WaitingStatus.Parked;
                var item = new WaitingItem(entry.Entry.ItemIdIn(one.Name, partition.Partition), entry,
                    isBehind ? before!.Id : null);
                if (isBehind) before!.Followers++;
                if (hasOrder) first.TryAdd(entry.Entry.Key, item);
                all.Add(item);
            }
        }
        return (all, hasMore, problems);
    }
}
