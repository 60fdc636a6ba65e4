using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Progress.Looks;

/// <summary>The progress of a consecutor through its backlog: items that ended since the first look, and items that are left.</summary>
internal sealed class ConsecutorProgress(Func<ConsecutorSnapshot> look, Func<Topology> topology, string title) : IProgressSource
{
    private BottleneckFinder? bottlenecks;
    private RunSnapshot? last;
    private long? first;
    private TimeSpan before;                         // from the start to the first look

    public TimeSpan MinInterval => TimeSpan.Zero;

    public ValueTask<ProgressLook> LookAsync(CancellationToken cancellation)
    {
        ConsecutorSnapshot snapshot = look();
        last = snapshot.Run ?? last;
        long left = snapshot.Pending + snapshot.InFlight + snapshot.Retrying + snapshot.Parked + snapshot.Suspect;
        long ended = snapshot.Accepted + snapshot.Split - left;
        if (first is null) (first, before) = (ended, last?.Elapsed ?? TimeSpan.Zero);
        long done = Math.Max(0, ended - first.Value);                 // a store that has lost writes goes back
        if (last is not null) bottlenecks ??= new(topology());
        string? bottleneck = last is null ? null : bottlenecks!.Find(last);
        return ValueTask.FromResult(new ProgressLook(title, StatusOf(snapshot), done, done + left, "items", last?.Elapsed ?? default)
        {
            ElapsedBefore = before,
            Rows = [.. last?.Nodes.Select(RunProgress.RowOf) ?? []],
            Bottleneck = left > 0 ? bottleneck : null,
            Problem = snapshot.Problem ?? (snapshot.LastFailure is { } failure ? $"last failure: {failure}" : null),
            IsOver = snapshot.Status is ConsecutorStatus.Stopped or ConsecutorStatus.Failed,
        });
    }

    private static string StatusOf(ConsecutorSnapshot snapshot)
    {
        string text = snapshot.Status.ToString().ToLowerInvariant();
        foreach ((long count, string name) in (ReadOnlySpan<(long, string)>)[(snapshot.Pending, "pending"),
            (snapshot.InFlight, "in flight"), (snapshot.Retrying, "retrying"),
            (snapshot.Parked, "parked"), (snapshot.Suspect, "suspect"), (snapshot.Dead, "dead")])
            if (count > 0) text += string.Create(CultureInfo.InvariantCulture, $", {count:N0} {name}");
        return text;
    }
}
