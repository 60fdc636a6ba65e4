namespace Sluice.Diagnostics;

/// <summary>Remembers the last look at each stream, for rates.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class StreamLooks(TimeProvider time)
{
    private const int MaxStreams = 1_000_000;

    private readonly Dictionary<string, (long At, StreamInfo Info)> last = new(StringComparer.Ordinal);

    public StreamLook Look(StreamInfo info)
    {
        lock (last)
        {
            long now = time.GetTimestamp();
            (long At, StreamInfo Info)? before = last.TryGetValue(info.Name, out var known) ? known : null;
            if (before is null && last.Count >= MaxStreams) last.Clear();
            last[info.Name] = (now, info);
            double seconds = before is { } found ? time.GetElapsedTime(found.At, now).TotalSeconds : 0;
            if (before is not { } old || seconds <= 0 || info.Appended < old.Info.Appended)     // deleted and created again
                return new(info, [.. info.Groups.Select(static group => new GroupBacklogLook(group, null))], null);
            double appended = info.Appended - old.Info.Appended;
            return new(info, [.. info.Groups.Select(group => new GroupBacklogLook(group, Settled(group)))], appended / seconds);

            double? Settled(GroupBacklog group) => old.Info.Groups.FirstOrDefault(one => one.Name == group.Name) is { } backlog
                ? Math.Max(0, appended + backlog.Outstanding - group.Outstanding) / seconds
                : null;
        }
    }
}
