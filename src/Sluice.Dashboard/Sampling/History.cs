namespace Sluice.Dashboard.Sampling;

/// <summary>The values of a figure in the last ten minutes, one for each look.</summary>
/// <remarks>Values are written by one look at a time, and read by any thread: a reader gets a copy. Locking rule: everything under
/// <c>sync</c>.</remarks>
internal sealed class History(TimeProvider time)
{
    private const int MaxValues = 600;

    private static readonly TimeSpan Span = TimeSpan.FromMinutes(10);

    private readonly Lock sync = new();
    private readonly Queue<(long At, double Value)> values = [];

    public void Add(double value)
    {
        long now = time.GetTimestamp();
        lock (sync)
        {
            while (values.Count >= MaxValues || (values.Count > 0 && time.GetElapsedTime(values.Peek().At, now) > Span)) values.Dequeue();
            values.Enqueue((now, value));
        }
    }

    /// <summary>Returns the values with their ages in seconds, oldest first.</summary>
    public IReadOnlyList<(double Age, double Value)> Values()
    {
        long now = time.GetTimestamp();
        lock (sync) return [.. values.Select(one => (time.GetElapsedTime(one.At, now).TotalSeconds, one.Value))];
    }
}

/// <summary>The rate of a count over the last looks. Not thread-safe.</summary>
internal sealed class CountRate(TimeProvider time)
{
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(10);

    private readonly Queue<(long At, double Count)> samples = [];

    /// <summary>Adds a count, and returns its rate per second; null at the first time. A count that went back, as after a restart, begins
    /// anew.</summary>
    public double? Add(double count)
    {
        long now = time.GetTimestamp();
        if (samples.Count > 0 && samples.Last().Count > count) samples.Clear();
        while (samples.Count > 2 && time.GetElapsedTime(samples.Peek().At, now) > Span) samples.Dequeue();
        double? rate = null;
        if (samples.TryPeek(out (long At, double Count) first) && time.GetElapsedTime(first.At, now).TotalSeconds is > 0 and var seconds)
            rate = (count - first.Count) / seconds;
        samples.Enqueue((now, count));
        return rate;
    }
}
