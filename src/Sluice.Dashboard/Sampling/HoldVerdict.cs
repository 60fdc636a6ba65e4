using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>Says how far a pause or a drain is; null for a consecutor that is not held.</summary>
internal static class HoldVerdict
{
    public static Verdict? Of(ConsecutorSample sample)
        => sample.PausedAt is not { } since ? null : new(Urgency.Held, sample.IsDraining ? Draining(sample, since)
            : $"Is paused since {Shown.Utc(since)}: it accepts items, and begins none.{InFlight(sample)} Resume it.");

    private static string Draining(ConsecutorSample sample, DateTimeOffset since)
    {
        string rest = $"{(sample.Backlog == 0 ? "No item waits." : $"{Shown.Count(sample.Backlog, "item")} "
            + $"{(sample.Backlog == 1 ? "stays" : "stay")} in the store.")} Resume it to go on.";
        if (sample.Group?.Look is not { } look)
            return $"Drains since {Shown.Utc(since)}: it begins no item. {(sample.Snapshot is { InFlight: > 0 and var here }
                ? $"{Shown.Count(here, "item")} {(here == 1 ? "is" : "are")} in flight here. " : "")}{rest}";
        PartitionInfo[] held = [.. look.Partitions.Where(static partition => partition.Owner is not null)];
        if (held.Length > 0)
            return $"Drains since {Shown.Utc(since)}: it begins no item. {Held(held, look.Partitions.Count)} "
                + $"{string.Join(" ", held.GroupBy(static partition => partition.Owner!, StringComparer.Ordinal).Take(3)
                    .Select(owned => Owner(owned, look.Members.FirstOrDefault(one => one.Name == owned.Key))))} {rest}";
        return look.Members.Count == 0
            ? $"Is drained since {Shown.Utc(since)}, and no process runs it. {rest}"
            : $"Is drained since {Shown.Utc(since)}: nothing is in flight, and no process has a partition. Its processes can be stopped. "
                + rest;
    }

    private static string Held(PartitionInfo[] held, int all)
    {
        long most = held.Sum(static partition => partition.MaxInFlight);
        return $"{Shown.Count(held.Length)} of {Shown.Count(all, "partition")} {(held.Length == 1 ? "is" : "are")} not released yet, with "
            + $"{(most == 0 ? "nothing" : $"at most {Shown.Count(most, "item")}")} in flight.";
    }

    private static string Owner(IGrouping<string, PartitionInfo> owned, MemberLook? member)
    {
        string name = $"`{VisibleText.Shorten(owned.Key, 60)}`", partitions = Shown.Count(owned.Count(), "partition");
        bool isOne = owned.Count() == 1;
        return member switch
        {
            null or { Status: MemberStatus.Silent or MemberStatus.NoHeartbeats } => $"{name} has died or hangs, with {partitions}: what "
                + "it had in flight runs again after the resumption.",
            _ when owned.Sum(static partition => partition.MaxInFlight) > 0
                => $"{name} has {partitions}, and releases {(isOne ? "it when its" : "them when their")} items have ended.",
            _ => $"{name} has {partitions}, and releases {(isOne ? "it" : "them")} with its next heartbeat. If it does not, its version "
                + "of Sluice knows no drain, or Sink.ToFile writes there: it begins nothing, and can be stopped.",
        };
    }

    // What the store tells without a list of the items that left the order. An item that ended out of order still counts as in flight.
    private static string InFlight(ConsecutorSample sample)
    {
        if (sample.Group?.Look is not { } look || sample.Stream?.Consecutor is not { Backlog.Waiting: 0 }) return "";
        long most = look.Partitions.Sum(static partition => partition.MaxInFlight);
        return most <= 0 ? " Nothing is in flight: its processes can be stopped." : $" At most {Shown.Count(most, "item")} "
            + $"{(most == 1 ? "is" : "are")} in flight.";
    }
}
