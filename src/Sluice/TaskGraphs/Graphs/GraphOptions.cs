namespace Sluice;

/// <summary>How a graph is resolved. Immutable.</summary>
public sealed record GraphOptions
{
    private readonly TimeSpan stopGrace = TimeSpan.FromSeconds(5);

    /// <summary>The clock of time limits, waits and timings.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether each resolve records when its nodes started and ended. It costs two readings of the clock a node.</summary>
    public bool RecordTimings { get; init; }

    /// <summary>
    /// Whether, of two nodes that produce different values under one name, the one that is last in topological order wins. Otherwise the resolve fails
    /// with a <see cref="MergeConflictException"/>.
    /// </summary>
    public bool LastWins { get; init; }

    /// <summary>How long a resolve that has failed, or was cancelled, waits for functions that are still running; zero to 49 days, or <see cref="Timeout.InfiniteTimeSpan"/>; 5 seconds unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, and not <see cref="Timeout.InfiniteTimeSpan"/>, or more than 49 days.</exception>
    public TimeSpan StopTimeout
    {
        get => stopGrace;
        init => stopGrace = value == Timeout.InfiniteTimeSpan ? value : Waits.Check(value, nameof(StopTimeout));
    }
}
