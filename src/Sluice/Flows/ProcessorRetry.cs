namespace Sluice;

/// <summary>How often the function of a processor is called again after it has failed, and with which pauses (<see cref="Processor.Retry"/>).</summary>
/// <remarks>
/// <para>
/// A new attempt goes on from where <see cref="Processor.Resume"/> says, as after the death of a host. Failed attempts are counted in the store, in the commit that says where the processor is: a host that dies takes no count with it. A processor that resumes
/// per item or at checkpoints starts counting anew when it has come further since.
/// </para>
/// <para>A failure of an input, a difference of a repetition and a cancellation are not tried again. Immutable; equal if all members are.</para>
/// </remarks>
/// <example><code>
/// var geocode = new Processor("geocode") { Inputs = ["address"], Outputs = ["place"], Resume = ResumeMode.PerItem, Retry = new(3), Timeout = TimeSpan.FromSeconds(30) };
/// </code></example>
public sealed record ProcessorRetry
{
    /// <summary>Makes one.</summary>
    /// <param name="retries">How many attempts follow a failed one; 0 to 1,000,000.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or too many.</exception>
    public ProcessorRetry(int retries)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(retries, 1_000_000);
        Retries = retries;
    }

    /// <summary>How many attempts follow a failed one.</summary>
    public int Retries { get; }

    /// <summary>The pause before the first retry; it doubles with each further one, and a random part of up to a half is taken off. 100 milliseconds unless given, zero to 49 days.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan Delay { get; init => field = Waits.Check(value, nameof(Delay)); } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause; a minute unless given, zero to 49 days.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan MaxDelay { get; init => field = Waits.Check(value, nameof(MaxDelay)); } = TimeSpan.FromMinutes(1);

    /// <summary>For example <c>3 retries</c>.</summary>
    public override string ToString() => Retries == 1 ? "1 retry" : $"{Retries:N0} retries";
}
