namespace Sluice.Diagnostics;

/// <summary>Remembers the last look at each stream, for rates.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class StreamLooks(TimeProvider time)
{
    private const int MaxStreams = 1_000_000;
    private const int MaxNew = 1000;

    private readonly Dictionary<string, LastLook> last = new(StringComparer.Ordinal);
    private int added;                               // names since deleted streams were forgotten

    private readonly record struct LastLook(long At, long Appended, (string Group, long Outstanding)[] Groups);

    /// <summary>The number of streams that it remembers.</summary>
    public int Count
    {
        get
        {
            lock (last) return last.Count;
        }
    }

    public StreamLook Look(StreamInfo info)
    {
        lock (last)
        {
            long now = time.GetTimestamp();
            LastLook? before = last.TryGetValue(info.Name, out LastLook known) ? known : null;
            if (before is null && last.Count >= MaxStreams) last.Clear();
            if (before is null) added++;
            last[info.Name] = new(now, info.Appended, [.. info.Groups.Select(static group => (group.Name, group.Outstanding))]);
            double seconds = before is { } found ? time.GetElapsedTime(found.At, now).TotalSeconds : 0;
            if (before is not { } old || seconds <= 0 || info.Appended < old.Appended)          // deleted and created again
                return new(info, [.. info.Groups.Select(static group => new GroupBacklogLook(group, null))], null);
            double appended = info.Appended - old.Appended;
            return new(info, [.. info.Groups.Select(group => new GroupBacklogLook(group, Settled(group)))], appended / seconds);

            double? Settled(GroupBacklog group)
            {
                foreach ((string name, long outstanding) in old.Groups)
                    if (name == group.Name) return Math.Max(0, appended + outstanding - group.Outstanding) / seconds;
                return null;
            }
        }
    }

    /// <summary>Forgets streams that were deleted, when enough names have come that it pays.</summary>
    /// <param name="prefix">The beginning of the names.</param>
    /// <param name="present">All streams of the store that have the prefix.</param>
    public void Keep(string prefix, IReadOnlyList<string> present)
    {
        lock (last)
        {
            if (added < MaxNew) return;
            added = 0;
            var names = new HashSet<string>(present, StringComparer.Ordinal);
            foreach (string name in last.Keys)
                if (name.StartsWith(prefix, StringComparison.Ordinal) && !names.Contains(name)) last.Remove(name);
        }
    }
}
