namespace Sluice;

/// <summary>How long to wait before the next attempt at something that failed.</summary>
/// <remarks>Immutable and thread-safe. The first retry is number 1.</remarks>
public sealed class Backoff
{
    private readonly TimeSpan first;
    private readonly double factor;
    private readonly TimeSpan max;
    private readonly double jitter;

    private Backoff(TimeSpan first, double factor, TimeSpan max, double jitter)
    {
        (this.first, this.factor, this.max, this.jitter) = (first, factor, max, jitter);
    }

    /// <summary>No wait: the next attempt starts at once.</summary>
    public static Backoff None { get; } = new(TimeSpan.Zero, 1, TimeSpan.Zero, 0);

    /// <summary>The same wait before every retry, without jitter.</summary>
    /// <param name="wait">Zero to 49 days.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative time, or more than 49 days.</exception>
    public static Backoff Constant(TimeSpan wait) => new(Waits.Check(wait), 1, wait, 0);

    /// <summary>
    /// Waits that double: <paramref name="first"/>, twice that, four times that, up to <paramref name="max"/>; each
    /// shortened by a random part of up to <paramref name="jitter"/> of itself, so that many callers that failed
    /// together do not return together.
    /// </summary>
    /// <param name="first">The wait before retry 1; zero to 49 days.</param>
    /// <param name="max">The longest wait, 49 days at most; one minute unless given.</param>
    /// <param name="jitter">0 (none) to 1 ("full jitter"); 0.5 unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative time, one of more than 49 days, or a jitter outside 0 to 1.</exception>
    public static Backoff Exponential(TimeSpan first, TimeSpan? max = null, double jitter = 0.5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(jitter, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(jitter, 1);
        return new(Waits.Check(first), 2, Waits.Check(max ?? TimeSpan.FromMinutes(1), nameof(max)), jitter);
    }

    /// <summary>The wait before a retry.</summary>
    /// <param name="retry">1 for the first retry.</param>
    /// <param name="random">Where the jitter comes from.</param>
    public TimeSpan WaitBefore(int retry, Random random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(retry, 1);
        ArgumentNullException.ThrowIfNull(random);
        double ticks = Math.Min(first.Ticks * Math.Pow(factor, retry - 1), max.Ticks);
        return TimeSpan.FromTicks((long)(ticks * (1 - (jitter * random.NextDouble()))));
    }
}
