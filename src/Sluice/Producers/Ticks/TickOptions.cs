namespace Sluice;

/// <summary>How a producer fires at its ticks. Immutable.</summary>
public sealed record TickOptions
{
    private readonly TimeSpan jitter;
    private readonly int? maxMissed;

    /// <summary>Every tick fires later by a random time up to this, zero or more; none unless given. A tick has been missed when this is over as well.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan MaxJitter
    {
        get => jitter;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            jitter = value;
        }
    }

    /// <summary>What becomes of ticks that passed while nobody fired them; <see cref="MissedTickPolicy.Skip"/> unless given.</summary>
    public MissedTickPolicy Missed { get; init; }

    /// <summary>With <see cref="MissedTickPolicy.CatchUp"/>: how many ticks that were missed fire at most, the latest of them; 1 or more, all unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
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
