using Sluice.Diagnostics;

namespace Sluice.Dashboard.Sampling;

/// <summary>Compares the looks at one consecutor. Not thread-safe: calls must not overlap.</summary>
internal sealed class ConsecutorSampler(string name, StoreSource store, IConsecutor? local, TimeProvider time)
{
    private readonly RunSampler? run = local is null ? null : new(local.Topology, time);
    private readonly CountRate accepted = new(time), ended = new(time), growth = new(time, mayShrink: true);
    private readonly Standstill standstill = new(time);
    private (StreamLook? Look, TimeSpan? Still) elsewhere;
    private readonly History endedHistory = new(time), waitingHistory = new(time);

    public ConsecutorSample Look(StoreSample seen)
    {
        ConsecutorSnapshot? snapshot = local?.Snapshot();
        StreamLook? stream = seen.Streams.GetValueOrDefault(name);
        // Of many streams, a look of the store takes a part: only a look at this stream tells something.
        bool isNew = stream is null || !ReferenceEquals(stream, elsewhere.Look);
        long left = snapshot is null ? 0 : snapshot.Pending + snapshot.InFlight + snapshot.Retrying + snapshot.Parked + snapshot.Suspect;
        long endedNow = snapshot is null ? 0 : snapshot.Accepted + snapshot.Split - left;
        if (isNew) elsewhere = (stream, snapshot is null ? LookElsewhere(stream) : null);
        TimeSpan? still = snapshot is not null ? standstill.Look(snapshot.InFlight > 0, endedNow) : elsewhere.Still;
        var sample = new ConsecutorSample(name, store, local)
        {
            Snapshot = snapshot,
            Run = snapshot?.Run is { } running ? run!.Look(running) : null,
            Stream = stream,
            Group = seen.Groups.GetValueOrDefault(new GroupId(name, name)),
            AcceptedPerSecond = snapshot is not null ? accepted.Add(snapshot.Accepted) : stream?.AppendedPerSecond,
            EndedPerSecond = snapshot is not null ? ended.Add(endedNow) : stream?.Consecutor?.SettledPerSecond,
            StandsFor = standstill.IsLong(still) ? still : null,
            Ended = endedHistory,
            Waiting = waitingHistory,
            Verdict = new(Urgency.Fine, ""),
        };
        if (sample.EndedPerSecond is { } known) endedHistory.Add(known);
        waitingHistory.Add(sample.Backlog);
        return sample with { Verdict = ConsecutorVerdict.Of(sample, seen, growth.Add(sample.Backlog, isNew)) };
    }

    private TimeSpan? LookElsewhere(StreamLook? stream) => stream?.Consecutor?.Backlog is not { } group ? null
        : standstill.Look(group is { PausedAt: null } && group.Outstanding > group.Waiting, stream.Info.Appended - group.Outstanding,
            group.Waiting + group.Dead);
}
