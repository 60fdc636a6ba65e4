namespace Sluice.Dashboard.Sampling;

/// <summary>Compares the looks at one consecutor. Not thread-safe: calls must not overlap.</summary>
internal sealed class ConsecutorSampler(string name, StoreSource store, IConsecutor? local, TimeProvider time)
{
    private readonly RunSampler? run = local is null ? null : new(local.Topology, time);
    private readonly CountRate accepted = new(time), ended = new(time), growth = new(time);
    private readonly History endedHistory = new(time), waitingHistory = new(time);

    public ConsecutorSample Look(StoreSample seen)
    {
        ConsecutorSnapshot? snapshot = local?.Snapshot();
        StreamLook? stream = seen.Streams.GetValueOrDefault(name);
        long left = snapshot is null ? 0 : snapshot.Pending + snapshot.InFlight + snapshot.Retrying + snapshot.Parked + snapshot.Suspect;
        var sample = new ConsecutorSample(name, store, local)
        {
            Snapshot = snapshot,
            Run = snapshot?.Run is { } running ? run!.Look(running) : null,
            Stream = stream,
            Group = seen.Groups.GetValueOrDefault(new GroupId(name, name)),
            AcceptedPerSecond = snapshot is null ? stream?.AppendedPerSecond : accepted.Add(snapshot.Accepted),
            EndedPerSecond = snapshot is null ? stream?.Consecutor?.SettledPerSecond
                : ended.Add(snapshot.Accepted + snapshot.Split - left),
            Ended = endedHistory,
            Waiting = waitingHistory,
            Verdict = new(Urgency.Fine, ""),
        };
        if (sample.EndedPerSecond is { } known) endedHistory.Add(known);
        waitingHistory.Add(sample.Backlog);
        return sample with { Verdict = ConsecutorVerdict.Of(sample, seen, growth.Add(sample.Backlog)) };
    }
}
