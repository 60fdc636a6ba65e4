namespace Sluice.Dashboard.Sampling;

/// <summary>Says what is wrong with a consecutor, and what to do: the first that applies.</summary>
internal static class ConsecutorVerdict
{
    public static Verdict Of(ConsecutorSample sample, StoreSample store, double? growth)
        => OfStatus(sample) ?? OfPause(sample) ?? OfStore(sample, store) ?? OfMembers(sample) ?? OfSpeed(sample, growth) ?? OfItems(sample)
            ?? new(Urgency.Fine, sample.Backlog == 0 ? "Has nothing to do." : "Keeps up.");

    private static Verdict? OfStatus(ConsecutorSample sample)
    {
        if (sample.Snapshot is not { } now) return null;
        if (now.Status == ConsecutorStatus.Failed)
            return new(Urgency.Failing, $"Has failed for good: {now.Problem ?? now.LastFailure ?? "the log says why."} Mend the cause, and "
                + "start the process again: what was accepted is in the store.");
        if (now.Loss is { } loss) return new(Urgency.Failing, loss);
        if (now.Problem is { } problem) return new(Urgency.Failing, problem);
        return now.Status switch
        {
            ConsecutorStatus.Stopping => new(Urgency.Held, "Stops: items in flight may end."),
            ConsecutorStatus.Stopped => new(Urgency.Held, "Has stopped. A start of the process goes on where it was."),
            ConsecutorStatus.Created => new(Urgency.Held, "Was not started: what is sent waits. Call StartAsync."),
            _ => null,
        };
    }

    private static Verdict? OfPause(ConsecutorSample sample) => sample.PausedAt is { } since
        ? new(Urgency.Held, $"Is paused since {Shown.Utc(since)}: it accepts items, and begins none.{InFlight(sample)} Resume it.")
        : null;

    // What the store tells without a list of the items that left the order. An item that ended out of order still counts as in flight.
    private static string InFlight(ConsecutorSample sample)
    {
        if (sample.Group?.Look is not { } look || sample.Stream?.Consecutor is not { Backlog.Waiting: 0 }) return "";
        long most = look.Partitions.Sum(static partition => partition.Dispatched - partition.Done);
        return most <= 0 ? " Nothing is in flight: its processes can be stopped." : $" At most {Shown.Count(most, "item")} "
            + $"{(most == 1 ? "is" : "are")} in flight.";
    }

    private static Verdict? OfStore(ConsecutorSample sample, StoreSample store)
        => store.Problem is { } problem ? new(Urgency.Failing, $"Figures may be old: {problem}") : null;

    private static Verdict? OfMembers(ConsecutorSample sample)
    {
        if (sample.Group?.Look is not { } look || sample.Backlog == 0) return null;
        if (look.Partitions.All(static partition => partition.Owner is null))
            return new(Urgency.Failing, $"Nobody works on its {Shown.Count(sample.Backlog, "item")}: no member owns a partition. Start a "
                + "process that runs it.");
        int silent = look.Members.Count(static member => member.Status == MemberStatus.Silent);
        if (silent > 0)
            return new(Urgency.Warning, $"{silent} of {Shown.Count(look.Members.Count, "member")} "
                + $"{(silent == 1 ? "is" : "are")} silent: others take their partitions over when the lease duration is over.");
        int free = look.Partitions.Count(static partition => partition.Owner is null && partition.Tail > partition.Done);
        return free > 0 ? new(Urgency.Warning, $"{Shown.Count(free, "partition")} with a backlog {(free == 1 ? "has" : "have")} no owner: "
            + "members acquire them in a moment; if not, start more members.") : null;
    }

    private static Verdict? OfSpeed(ConsecutorSample sample, double? growth)
    {
        if (sample.Run is not { Bottleneck: { } slowest } run || sample.Backlog == 0) return null;
        return RunVerdict.Slow(run) ?? (growth > 1 ? new(Urgency.Warning,
            $"Falls behind by {Shown.Rate(growth)}, and {slowest.Node.Name} is the slowest node. {RunVerdict.Advice(slowest)}") : null);
    }

    private static Verdict? OfItems(ConsecutorSample sample)
    {
        string last = sample.Snapshot?.LastFailure is { } failure ? $" The last failure: {failure}" : "";
        if (sample.Dead > 0)
            return new(Urgency.Warning, $"Has {Shown.Count(sample.Dead, "dead letter")}: look at the errors, mend the cause, then "
                + $"redrive or discard them.{last}");
        if (sample.Snapshot is { Retrying: > 0 } now)
            return new(Urgency.Warning, $"{Shown.Count(now.Retrying, "item")} failed and {(now.Retrying == 1 ? "waits" : "wait")} for the "
                + $"next attempt.{last}");
        return sample.Stream?.Consecutor?.Backlog is { Waiting: > 0 } group && group.Waiting == group.Outstanding
            ? new(Urgency.Warning, $"All of its {Shown.Count(group.Waiting, "item")} wait: for the next attempt, or for code that has "
                + "their node.") : null;
    }
}
