using Sluice.Policies;

namespace Sluice;

/// <summary>Options for firing at ticks. Immutable.</summary>
public sealed record TickOptions
{
    /// <summary>
    /// Every tick fires later by a random time up to this: zero or more, at most 36,500 days; none unless given. A tick counts as missed
    /// only when this time has passed, too.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or too long.</exception>
    public TimeSpan MaxJitter { get; init => field = OptionValue.Span(value, nameof(TickOptions)); }

    /// <summary>What happens to missed ticks; <see cref="MissedTickPolicy.Skip"/> unless given.</summary>
    public MissedTickPolicy Missed { get; init; }

    /// <summary>
    /// With <see cref="MissedTickPolicy.CatchUp"/>: the largest number of missed ticks to fire, the latest ones: 1 or more; all unless
    /// given.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int? MaxMissed { get; init => field = OptionValue.AtLeast(1, value, nameof(TickOptions)); }
}
