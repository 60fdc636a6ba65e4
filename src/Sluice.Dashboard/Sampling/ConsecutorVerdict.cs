using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>Says what is wrong with a consecutor, and what to do: the first that applies.</summary>
internal static class ConsecutorVerdict
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    public static Verdict Of(ConsecutorSample sample, StoreSample store, double? growth)
        => OfStatus(sample) ?? HoldVerdict.Of(sample) ?? OfStore(sample, store) ?? OfMembers(sample)
            ?? WithFailure(OfSpeed(sample, growth), sample) ?? OfItems(sample) ?? new(Urgency.Fine, sample.Backlog == 0
                ? sample.AcceptedPerSecond > 0 || sample.EndedPerSecond > 0 ? "Keeps up." : "Has nothing to do."
                : sample.EndedPerSecond is not > 0 ? "Works on its backlog."
                : TimeSpan.FromSeconds(Math.Min(sample.Backlog / sample.EndedPerSecond.Value, 1e9)) is var rest && rest > Long
                    ? $"Works on its backlog: at this rate, for {Shown.Span(rest)}." : "Keeps up.");

    private static Verdict? OfStatus(ConsecutorSample sample)
    {
        if (sample.Snapshot is not { } now) return null;
        if (now.Status == ConsecutorStatus.Failed)
            return new(Urgency.Failing, $"Has failed for good: {now.Problem ?? now.LastFailure ?? "the log says why."} Mend the cause, and "
                + "start the process again: what was accepted is in the store.");
        // A loss lasts as long as the process: it hides neither a pause nor another problem.
        if (now.Loss is not null || now.Problem is not null)
            return new(Urgency.Failing, string.Join(' ', new[] { HoldVerdict.Of(sample)?.Text, now.Loss, now.Problem }
                .Where(static text => text is not null).Distinct()));
        return now.Status switch
        {
            ConsecutorStatus.Stopping => new(Urgency.Held, "Stops: items in flight may end."),
            ConsecutorStatus.Stopped => new(Urgency.Held, "Has stopped. A start of the process goes on where it was."),
            ConsecutorStatus.Created => new(Urgency.Held, "Was not started: what is sent waits. Call StartAsync."),
            _ => null,
        };
    }

    private static Verdict? OfStore(ConsecutorSample sample, StoreSample store)
        => store.Problem is { } problem ? new(Urgency.Failing, $"Figures may be old: {problem}")
            : store.Damage.GetValueOrDefault(sample.Name) is { } damage ? new(Urgency.Failing, damage) : null;

    private static Verdict? OfMembers(ConsecutorSample sample)
    {
        if (sample.Group?.Look is not { } look || sample.Backlog == 0) return null;
        if (look.Partitions.All(static partition => partition.Owner is null))
            return look.Members.Any(static member => member.Status is MemberStatus.Alive or MemberStatus.Unknown)
                ? new(Urgency.Warning, $"Its processes own no partition, and {Shown.Count(sample.Backlog, "item")} "
                    + $"{(sample.Backlog == 1 ? "waits" : "wait")}: they acquire partitions in a moment; if not, their logs say why.")
                : new(Urgency.Failing, $"No process works on its {Shown.Count(sample.Backlog, "item")}: no member owns a partition. Start "
                    + "a process that runs it.");
        MemberLook[] silent = [.. look.Members.Where(one => one.Partitions > 0 && IsSilent(one, sample))];
        if (silent.Length > 0)
        {
            string name = $"`{VisibleText.Shorten(silent[0].Name, 60)}`";
            string who = silent is [{ Status: MemberStatus.NoHeartbeats }]
                ? $"{name} sends no heartbeats: it has ended, or takes no questions"
                : $"{name} {(silent.Length == 1 ? "hangs or has died" : $"and {Shown.Count(silent.Length - 1)} more hang or have died")}";
            return look.Members.All(one => IsSilent(one, sample))
                ? new(Urgency.Failing, $"No process works on its {Shown.Count(sample.Backlog, "item")}: {who}, and no other process runs "
                    + "it. Start one.")
                : new(Urgency.Warning, $"{who}, with {Shown.Count(silent.Sum(static one => one.Partitions), "partition")}: others take "
                    + "over when the lease duration is over.");
        }
        int free = look.Partitions.Count(static partition => partition.Owner is null && partition.Tail > partition.Done);
        return free > 0 ? new(Urgency.Warning, $"{Shown.Count(free, "partition")} with a backlog {(free == 1 ? "has" : "have")} no owner: "
            + "members acquire them in a moment; if not, start more members.") : null;
    }

    // A file shows no heartbeats if its process does not answer; if items end, the process works. The first look does not know.
    private static bool IsSilent(MemberLook member, ConsecutorSample sample) => member.Status is MemberStatus.Silent
        || (member.Status is MemberStatus.NoHeartbeats && sample.EndedPerSecond is 0);

    private static Verdict? OfSpeed(ConsecutorSample sample, double? growth)
    {
        if (sample.StandsFor is { } still)
            return new(Urgency.Warning, $"`{VisibleText.Shorten(sample.Name, 60)}` stands still: no item has ended for "
                + $"{Shown.Span(still)}{(sample.Snapshot is { } here ? $", and {Shown.Count(here.InFlight)} "
                    + $"{(here.InFlight == 1 ? "is" : "are")} in flight. {RunVerdict.Where(sample.Run)}" : Elsewhere(sample))}");
        if (sample.Backlog == 0) return null;
        string name = $"`{VisibleText.Shorten(sample.Name, 60)}`";
        string full = sample.Stream?.Info is { } stream
            && (stream.Items >= stream.Options.MaxItems || stream.Bytes >= stream.Options.MaxBytes)
            ? $"The stream of {name} is full, with {Shown.Count(stream.Items, "item")}: senders wait. " : "";
        if (sample.Run is { Bottleneck: not null } run && RunVerdict.Slow(sample.Name, run, sample) is { } slow)
            return slow with { Text = full + slow.Text };
        // A burst that is worked off in some seconds is no news, unless it is known who is slow.
        bool isBehind = growth > 1 && (sample.Run?.Bottleneck is not null || sample.Backlog > 10 * (sample.EndedPerSecond ?? 0));
        return isBehind ? new(Urgency.Warning, $"{full}{name} falls behind by {Shown.Rate(growth)}. {Limit(sample)}")
            : full.Length > 0 ? new(Urgency.Warning, full + Limit(sample)) : null;
    }

    // Attempts that fail make a consecutor slow, too.
    private static Verdict? WithFailure(Verdict? speed, ConsecutorSample sample)
        => speed is not null && sample.Snapshot is { Retrying: > 0, LastFailure: { } failure } now
            ? speed with
            {
                Text = $"{speed.Text} {Shown.Count(now.Retrying, "item")} failed and {(now.Retrying == 1 ? "waits" : "wait")} for the next "
                    + $"attempt. The last failure: {failure}",
            } : speed;

    private static string Limit(ConsecutorSample sample)
    {
        if (sample.Run is not { } run)
            return LaneAdvice.More(sample) is { } more ? $"The dashboard of its process shows which node is slow; or {more}."
                : "The dashboard of its process shows which node is slow.";
        NodeSample? slowest = run.Bottleneck ?? run.Nodes.Values.Where(static one => one.Node.BusyLanes == one.Node.Lanes)
            .MaxBy(static one => one.Node.Queued);
        return slowest is not null ? LaneAdvice.Of(slowest, sample)
            : $"Which node is the slowest is known with RunOptions.RecordTimings{(LaneAdvice.More(sample) is { } other
                ? $"; or {other}" : "")}.";
    }

    // Which items of other processes are in flight is known by partition: those that were leased and have not ended.
    private static string Elsewhere(ConsecutorSample sample)
    {
        if (sample.Group?.Look is not { } look)
            return $", and {Shown.Count(sample.Backlog, "item")} {(sample.Backlog == 1 ? "waits" : "wait")}. Its page says where.";
        (string Owner, long InFlight, long Behind)[] owners = [.. look.Partitions
            .Where(static partition => partition.Owner is not null && (partition.Tail > partition.Done || partition.InFlightAgain > 0))
            .GroupBy(static partition => partition.Owner!, StringComparer.Ordinal)
            .Select(static owned => (owned.Key, owned.Sum(static one => one.MaxInFlight),
                owned.Sum(static one => one.Tail - one.Done)))
            .OrderByDescending(static one => one.Item2).ThenByDescending(static one => one.Item3)];
        if (owners.Length == 0) return ".";
        (string owner, long inFlight, long behind) = owners[0];
        string name = $"`{VisibleText.Shorten(owner, 60)}`";
        string others = owners.Length switch
        {
            1 => "",
            2 => " and another process",
            var all => $" and {Shown.Count(all - 1)} other processes",
        };
        return inFlight > 0
            ? $", and at most {Shown.Count(inFlight)} {(inFlight == 1 ? "is" : "are")} in flight in {name}{others}. The dashboard, the "
                + "traces or the log of that process show the code; if it waits for something that does not come, give it a time limit "
                + "with Stage.Timeout. If the process is stopped or killed, others take its partitions over."
            : $", and none is in flight, although {name} has {Shown.Count(behind, "item")} in its partitions{others}. Its log says "
                + "why; if it is stopped or killed, others take its partitions over.";
    }

    private static Verdict? OfItems(ConsecutorSample sample)
    {
        string last = sample.Snapshot?.LastFailure is { } failure ? $" The last failure: {failure}" : "";
        if (sample.Dead > 0)
            return new(Urgency.Warning, $"Has {Shown.Count(sample.Dead, "dead letter")}: look at the errors, mend the cause, then "
                + $"redrive or discard them.{last}");
        if (sample.Snapshot is { Retrying: > 0 } now)
            return new(Urgency.Warning, $"{Shown.Count(now.Retrying, "item")} failed and {(now.Retrying == 1 ? "waits" : "wait")} for the "
                + $"next attempt{(now.Parked > 0 ? $"; {Shown.Count(now.Parked)} more wait behind, or for other code" : "")}.{last}");
        return sample.Stream?.Consecutor?.Backlog is { Waiting: > 0 } group && group.Waiting == group.Outstanding
            ? new(Urgency.Warning, $"All of its {Shown.Count(group.Waiting, "item")} wait: for the next attempt, or for code that has "
                + "their node.") : null;
    }
}
