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
    private readonly Func<Exception, bool>? isRetried;
    private readonly Func<Exception, TimeSpan?>? least;

    private Backoff(TimeSpan first, double factor, TimeSpan max, double jitter, Func<Exception, bool>? isRetried = null,
        Func<Exception, TimeSpan?>? least = null)
    {
        (this.first, this.factor, this.max, this.jitter, this.isRetried, this.least) = (first, factor, max, jitter, isRetried, least);
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

    /// <summary>Returns this backoff for some failures only: a failure for which the function returns false ends the
    /// attempts.</summary>
    /// <example>
    /// <code>Backoff.Exponential(TimeSpan.FromSeconds(1)).When(e =&gt; e is HttpRequestException or TimeoutException)</code>
    /// </example>
    /// <remarks>If there was such a function before, both must return true.</remarks>
    /// <param name="isRetried">Gets the exception that user code threw, or the <see cref="TimeoutException"/> of an attempt. For a child
    /// process it is a <see cref="WorkerException"/>: look at its <see cref="WorkerException.ExceptionType"/>. Called once for each
    /// failure, from any thread. If it throws, the failure is not retried, and names what it threw.</param>
    public Backoff When(Func<Exception, bool> isRetried)
    {
        ArgumentNullException.ThrowIfNull(isRetried);
        Func<Exception, bool> both = this.isRetried is { } before ? failure => before(failure) && isRetried(failure) : isRetried;
        return new(first, factor, max, jitter, both, least);
    }

    /// <summary>Returns this backoff with waits that are at least as long as a failure asks for, such as a response with
    /// <c>Retry-After</c>.</summary>
    /// <remarks>If there was such a function before, the longer wait counts.</remarks>
    /// <param name="wait">Gets the exception that user code threw. Returns the shortest wait before the next attempt; null, or a negative
    /// time, if the failure does not say. Above 49 days counts as 49 days. Called as the function of <see cref="When"/> is.</param>
    public Backoff AtLeast(Func<Exception, TimeSpan?> wait)
    {
        ArgumentNullException.ThrowIfNull(wait);
        Func<Exception, TimeSpan?> longer = least is not { } before ? wait
            : failure => Longer(before(failure), wait(failure));
        return new(first, factor, max, jitter, isRetried, longer);
    }

    /// <summary>Returns whether a failure is retried.</summary>
    /// <param name="failure">The failure. If a function of the user throws, one that names what it threw takes its place.</param>
    /// <param name="least">The shortest wait before the next attempt.</param>
    internal bool Retries(ref Exception failure, out TimeSpan least)
    {
        least = TimeSpan.Zero;
        try
        {
            if (isRetried?.Invoke(failure) == false) return false;
            if (this.least?.Invoke(failure) is { } asked && asked > TimeSpan.Zero) least = asked < Waits.Longest ? asked : Waits.Longest;
            return true;
        }
        catch (Exception e)
        {
            failure = new InvalidOperationException($"A function of the Backoff has thrown {FailureText.Of(e)} for this failure: "
                + FailureText.MessageOf(failure), failure);
            return false;
        }
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

    private static TimeSpan? Longer(TimeSpan? one, TimeSpan? other) => one is null || other > one ? other : one;
}
