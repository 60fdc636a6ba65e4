namespace Sluice.Dashboard.Sampling;

/// <summary>The rate of a count over the last looks. Not thread-safe.</summary>
/// <param name="time">The clock.</param>
/// <param name="mayShrink">Whether the count goes up and down, as a backlog does. Otherwise, a count that went back begins anew, as after a
/// restart.</param>
internal sealed class CountRate(TimeProvider time, bool mayShrink = false)
{
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(10);

    private readonly Queue<(long At, double Count)> samples = [];
    private readonly LookGap gap = new(time);
    private double? rate;

    /// <summary>Adds a count, and returns its rate per second: negative if it shrinks, null at the first time and after a time without
    /// looks.</summary>
    /// <param name="count">The count.</param>
    /// <param name="isNew">Whether the count was read since the last call; otherwise the rate stays.</param>
    public double? Add(double count, bool isNew = true)
    {
        long now = time.GetTimestamp();
        if (gap.HasPassed() || (!mayShrink && isNew && samples.Count > 0 && samples.Last().Count > count))
        {
            samples.Clear();
            rate = null;
        }
        if (!isNew) return rate;
        // Two samples stay however old they are: a store with many streams is looked at rarely.
        while (samples.Count > 2 && time.GetElapsedTime(samples.Peek().At, now) > Span) samples.Dequeue();
        rate = samples.TryPeek(out (long At, double Count) first) && time.GetElapsedTime(first.At, now).TotalSeconds is > 0 and var seconds
            ? (count - first.Count) / seconds : null;
        samples.Enqueue((now, count));
        return rate;
    }
}

/// <summary>Tells whether no page was open for a time. Not thread-safe.</summary>
/// <remarks>A rate over such a time says nothing about now.</remarks>
internal sealed class LookGap(TimeProvider time)
{
    // Longer than the longest refresh interval, a minute.
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(90);

    private long? lookedAt;

    /// <summary>Notes a look, and returns whether the one before was long ago. Call it with each look.</summary>
    public bool HasPassed()
    {
        long now = time.GetTimestamp();
        bool hasPassed = lookedAt is { } before && time.GetElapsedTime(before, now) > Max;
        lookedAt = now;
        return hasPassed;
    }
}
