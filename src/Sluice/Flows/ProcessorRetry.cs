using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>
/// The retry policy of a processor: how often a failed function is called again, and the pauses between (<see cref="Processor.Retry"/>).
/// </summary>
/// <remarks>
/// <para>
/// A retry resumes where <see cref="Processor.Resume"/> says, as after the death of a host. The count of failed attempts is stored in the
/// commit that stores the processor's position, so it survives its host. If a processor resumes per item or at checkpoints, progress resets
/// the count.
/// </para>
/// <para>Failed inputs, a <see cref="NondeterministicReplayException"/> and cancellations of the run are not retried. A failure of another
/// run, which the function has started, is. Immutable; equal if all members are equal.</para>
/// </remarks>
/// <example><code>
/// var geocode = new Processor("geocode")
/// {
///     Inputs = ["address"], Outputs = ["place"], Resume = ResumeMode.PerItem, Retry = new(3), Timeout = TimeSpan.FromSeconds(30),
/// };
/// </code></example>
public sealed record ProcessorRetry
{
    private static readonly TimeSpan DefaultMaxDelay = TimeSpan.FromMinutes(1);

    private readonly TimeSpan? maxDelay;

    /// <summary>Makes a retry policy.</summary>
    /// <param name="retries">The number of retries after the first attempt; 0 to 1,000,000.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public ProcessorRetry(int retries)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(retries, 1_000_000);
        Retries = retries;
    }

    /// <summary>The number of retries after the first attempt.</summary>
    public int Retries { get; }

    /// <summary>
    /// The pause before the first retry. It doubles with each retry, minus a random part of up to half. Zero to 49 days; default 100
    /// milliseconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan Delay { get; init => field = Waits.Check(value, nameof(Delay)); } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The longest pause; if it is shorter than <see cref="Delay"/>, every pause is this long. Zero to 49 days. By default, it is one
    /// minute, or <see cref="Delay"/> where that is longer.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan MaxDelay
    {
        get => maxDelay ?? (Delay > DefaultMaxDelay ? Delay : DefaultMaxDelay);
        init => maxDelay = Waits.Check(value, nameof(MaxDelay));
    }

    /// <summary>Whether another policy makes the same retries with the same pauses.</summary>
    public bool Equals(ProcessorRetry? other)
        => other is not null && (Retries, Delay, MaxDelay) == (other.Retries, other.Delay, other.MaxDelay);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Retries, Delay, MaxDelay);

    /// <summary>Describes the policy, for example <c>3 retries</c>.</summary>
    public override string ToString() => Retries == 1 ? "1 retry" : $"{Retries:N0} retries";
}
