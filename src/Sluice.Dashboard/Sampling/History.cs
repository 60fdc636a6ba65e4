namespace Sluice.Dashboard.Sampling;

/// <summary>The values of a figure in the last ten minutes: one for each look, and about one in a second at most.</summary>
/// <remarks>Values are written by one look at a time, and read by any thread: a reader gets a copy. Locking rule: everything under
/// <c>sync</c>.</remarks>
internal sealed class History(TimeProvider time)
{
    // Looks of each second come a little early or late, and each is kept.
    private static readonly TimeSpan Span = TimeSpan.FromMinutes(10), Least = TimeSpan.FromSeconds(0.8);

    private readonly Lock sync = new();
    private readonly Queue<(long At, double Value)> values = [];
    private long addedAt;

    public void Add(double value)
    {
        long now = time.GetTimestamp();
        lock (sync)
        {
            if (values.Count > 0 && time.GetElapsedTime(addedAt, now) < Least) return;
            while (values.Count > 0 && time.GetElapsedTime(values.Peek().At, now) > Span) values.Dequeue();
            values.Enqueue((now, value));
            addedAt = now;
        }
    }

    /// <summary>Returns the values of the ten minutes with their ages in seconds, oldest first.</summary>
    public IReadOnlyList<(double Age, double Value)> Values()
    {
        long now = time.GetTimestamp();
        lock (sync)
            return [.. values.Select(one => (Age: time.GetElapsedTime(one.At, now).TotalSeconds, one.Value))
                .Where(static one => one.Age <= Span.TotalSeconds)];
    }
}
