using Sluice.Policies;

namespace Sluice;

/// <summary>The waits between the attempts of a failed operation.</summary>
/// <remarks>Immutable and thread-safe. The first retry is number 1.</remarks>
public sealed class Backoff
{
    private static readonly TimeSpan DefaultMax = TimeSpan.FromMinutes(1);

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

    /// <summary>Returns a backoff with the same wait before every retry, without jitter.</summary>
    /// <param name="wait">The wait; zero to 49 days.</param>
    /// <exception cref="ArgumentOutOfRangeException">The wait is negative, or above 49 days.</exception>
    public static Backoff Constant(TimeSpan wait) => new(Waits.Check(wait), 1, wait, 0);

    /// <summary>
    /// Returns a backoff whose waits double: <paramref name="first"/>, twice that, four times that, up to <paramref name="max"/>. Each wait
    /// is shortened by a random part of at most <paramref name="jitter"/>, so that callers that failed together do not retry together.
    /// </summary>
    /// <param name="first">The wait before retry 1; zero to 49 days.</param>
    /// <param name="max">The maximum wait, at least <paramref name="first"/> and at most 49 days; by default one minute, or
    /// <paramref name="first"/> if that is longer.</param>
    /// <param name="jitter">0 (none) to 1 ("full jitter"); by default 0.5.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is negative or above 49 days, <paramref name="max"/> is below
    /// <paramref name="first"/>, or the jitter is outside 0 to 1.</exception>
    public static Backoff Exponential(TimeSpan first, TimeSpan? max = null, double jitter = 0.5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(jitter, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(jitter, 1);
        TimeSpan longest = max ?? (first > DefaultMax ? first : DefaultMax);
        if (Waits.Check(first) > Waits.Check(longest, nameof(max)))
            throw new ArgumentOutOfRangeException(nameof(max), max, $"The maximum wait is shorter than the first one, {first}.");
        return new(first, 2, longest, jitter);
    }

    /// <summary>Returns the wait before a retry.</summary>
    /// <param name="retry">The number of the retry, from 1.</param>
    /// <param name="random">The source of the jitter.</param>
    public TimeSpan WaitBefore(int retry, Random random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(retry, 1);
        ArgumentNullException.ThrowIfNull(random);
        double ticks = Math.Min(first.Ticks * Math.Pow(factor, retry - 1), max.Ticks);
        return TimeSpan.FromTicks((long)(ticks * (1 - (jitter * random.NextDouble()))));
    }
}
