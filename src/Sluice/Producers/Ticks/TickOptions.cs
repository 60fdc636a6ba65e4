namespace Sluice;

/// <summary>Options for firing at ticks. Immutable.</summary>
public sealed record TickOptions
{
    private readonly TimeSpan jitter;
    private readonly int? maxMissed;

    /// <summary>
    /// Every tick fires later by a random time up to this: zero or more; none unless given. A tick counts as missed only when this time has
    /// passed, too.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public TimeSpan MaxJitter
    {
        get => jitter;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            jitter = value;
        }
    }

    /// <summary>What happens to missed ticks; <see cref="MissedTickPolicy.Skip"/> unless given.</summary>
    public MissedTickPolicy Missed { get; init; }

    /// <summary>
    /// With <see cref="MissedTickPolicy.CatchUp"/>: the largest number of missed ticks to fire, the latest ones: 1 or more; all unless
    /// given.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? MaxMissed
    {
        get => maxMissed;
        init
        {
            if (value is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(value));
            maxMissed = value;
        }
    }
}
