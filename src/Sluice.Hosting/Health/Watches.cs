namespace Sluice.Hosting;

/// <summary>Measures how long units have had items in work while none of them moved.</summary>
/// <remarks>Thread-safe. It sees what its caller shows it: between two looks, nothing is measured.</remarks>
internal sealed class StallWatch(TimeProvider time)
{
    private readonly Lock sync = new();
    private readonly Dictionary<HostedUnit, (long Moved, long At)> seen = [];

    /// <summary>Returns how long nothing has moved; null if nothing is in work.</summary>
    public TimeSpan? Look(HostedUnit unit, in UnitProgress now)
    {
        lock (sync)
        {
            if (!now.IsBusy)
            {
                seen.Remove(unit);
                return null;
            }
            if (!seen.TryGetValue(unit, out (long Moved, long At) before) || before.Moved != now.Moved)
                seen[unit] = before = (now.Moved, time.GetTimestamp());
            return time.GetElapsedTime(before.At);
        }
    }
}

/// <summary>Measures how long backlogs have grown without a pause: at the end of each tenth of the limit, a backlog is compared with its
/// size at the beginning of the tenth.</summary>
/// <remarks>Thread-safe. It sees what its caller shows it: if looks are rarer than the tenths, it compares the looks.</remarks>
internal sealed class GrowthWatch(TimeProvider time)
{
    private const int MinMarks = 3;                  // two looks alone show no growth

    private readonly Lock sync = new();
    private readonly Dictionary<string, Growth> seen = new(StringComparer.Ordinal);

    /// <summary>Returns since when, and from which size, a backlog has grown; null if it has not grown for the limit.</summary>
    public (long From, TimeSpan For)? Look(string name, long backlog, TimeSpan limit)
    {
        lock (sync)
        {
            long now = time.GetTimestamp();
            if (!seen.TryGetValue(name, out Growth known)) seen[name] = known = new(backlog, now, backlog, now, 0);
            if (time.GetElapsedTime(known.MarkedAt, now) >= limit / 10)
            {
                known = backlog > known.Marked ? known with { Marked = backlog, MarkedAt = now, Marks = known.Marks + 1 }
                    : new(backlog, now, backlog, now, 0);
                seen[name] = known;
            }
            TimeSpan grown = time.GetElapsedTime(known.Since, now);
            return known.Marks >= MinMarks && grown >= limit ? (known.From, grown) : null;
        }
    }

    /// <summary>Forgets the sizes of a backlog: the next look is the first one.</summary>
    public void Forget(string name)
    {
        lock (sync) seen.Remove(name);
    }

    private readonly record struct Growth(long From, long Since, long Marked, long MarkedAt, int Marks);
}
