namespace Sluice.Dashboard.Sampling;

/// <summary>The times of one node of a graph in the last hour, in spans of five minutes. Not thread-safe.</summary>
/// <remarks>Its size is bounded: 13 spans of some 250 bytes, of which only those exist in which the node has run.</remarks>
internal sealed class NodeTimes
{
    private const int Spans = 13;                    // the last one is not over

    /// <summary>The length of a span.</summary>
    public static readonly TimeSpan Span = TimeSpan.FromMinutes(5);

    private readonly Times?[] spans = new Times?[Spans];
    private DateTimeOffset failedAt;
    private string error = "";

    /// <summary>Adds a call of the node.</summary>
    /// <param name="span">The number of the present span; not less than before.</param>
    /// <param name="node">The call.</param>
    /// <param name="at">The time of a failure.</param>
    public void Add(long span, in NodeRun node, DateTimeOffset at)
    {
        Times times = spans[span % Spans] ??= new();
        times.Begin(span);
        times.Add(node.Elapsed, node.HasFailed);
        if (node.HasFailed) (failedAt, error) = (at, node.Why);
    }

    /// <summary>Sums up the last hour; null if the node has not run in it.</summary>
    public NodeFigures? Sum(string name, long span)
    {
        var sum = new Times();
        foreach (Times? times in spans)
            if (times is not null && times.Number > span - Spans) sum.Add(times);
        return sum.Count == 0 ? null : new(name, sum.Count, sum.Failed, TimeSpan.FromTicks(sum.Ticks),
            TimeSpan.FromTicks(sum.MaxTicks), sum.Percentile(0.95), sum.Failed == 0 ? null : (failedAt, error));
    }

    private sealed class Times
    {
        private const int Buckets = 48;              // from a microsecond to 11 s in steps of the root of 2; the last one has the rest

        private readonly int[] buckets = new int[Buckets];

        public long Number { get; private set; } = -1;

        public long Count { get; private set; }

        public long Failed { get; private set; }

        public long Ticks { get; private set; }

        public long MaxTicks { get; private set; }

        public void Begin(long number)
        {
            if (Number == number) return;
            Array.Clear(buckets);
            (Number, Count, Failed, Ticks, MaxTicks) = (number, 0, 0, 0, 0);
        }

        public void Add(TimeSpan elapsed, bool hasFailed)
        {
            Count++;
            if (hasFailed) Failed++;
            Ticks += elapsed.Ticks;
            MaxTicks = Math.Max(MaxTicks, elapsed.Ticks);
            double microseconds = elapsed.TotalMicroseconds;
            buckets[microseconds <= 1 ? 0 : Math.Min(Buckets - 1, (int)Math.Ceiling(2 * Math.Log2(microseconds)))]++;
        }

        public void Add(Times other)
        {
            (Count, Failed, Ticks) = (Count + other.Count, Failed + other.Failed, Ticks + other.Ticks);
            MaxTicks = Math.Max(MaxTicks, other.MaxTicks);
            for (int i = 0; i < Buckets; i++) buckets[i] += other.buckets[i];
        }

        /// <summary>The upper bound of the bucket of a percentile, and not more than the largest time.</summary>
        public TimeSpan Percentile(double share)
        {
            long left = (long)Math.Ceiling(share * Count);
            int at = 0;
            while (at < Buckets - 1 && (left -= buckets[at]) > 0) at++;
            var max = TimeSpan.FromTicks(MaxTicks);
            TimeSpan bound = at == Buckets - 1 ? max : TimeSpan.FromMicroseconds(Math.Pow(2, at / 2.0));
            return bound < max ? bound : max;
        }
    }
}

/// <summary>A node of a graph in the last hour.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Count">How often its function ran to its end.</param>
/// <param name="Failed">How often it failed for good, replaced by a fallback or not.</param>
/// <param name="Total">The sum of the times.</param>
/// <param name="Max">The longest time.</param>
/// <param name="Percentile95">95 % of the times are not longer, up to a factor of 1.4.</param>
/// <param name="LastFailure">When it failed last, and why; null if it did not fail.</param>
internal sealed record NodeFigures(string Name, long Count, long Failed, TimeSpan Total, TimeSpan Max, TimeSpan Percentile95,
    (DateTimeOffset At, string Why)? LastFailure)
{
    public TimeSpan Mean => Total / Count;
}
