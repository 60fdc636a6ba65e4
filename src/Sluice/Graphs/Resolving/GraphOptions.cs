using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>Options of a graph. Immutable.</summary>
public sealed record GraphOptions
{
    private readonly TimeSpan stopGrace = TimeSpan.FromSeconds(5);

    /// <summary>The clock of timeouts, waits and timings; default the system's.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public TimeProvider Time { get; init => field = OptionValue.NotNull(value, nameof(GraphOptions)); } = TimeProvider.System;

    /// <summary>Whether resolves record when their nodes started and ended. Costs two clock readings per node. Resolves of a graph
    /// that is watched (<see cref="Graph{TRequest}.Watch"/>) record it, too.</summary>
    public bool RecordTimings { get; init; }

    /// <summary>
    /// Whether <see cref="GraphContext.Merged"/> takes the value of the last node in topological order if two nodes produce different
    /// values of the same name. Otherwise, reading <c>Merged</c> throws a <see cref="MergeConflictException"/>.
    /// </summary>
    public bool LastWins { get; init; }

    /// <summary>
    /// How long a failed or cancelled resolve waits for running functions. Zero to 49 days, or <see cref="Timeout.InfiniteTimeSpan"/>;
    /// default 5 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan StopTimeout
    {
        get => stopGrace;
        init => stopGrace = value == Timeout.InfiniteTimeSpan ? value : Waits.Check(value, nameof(StopTimeout));
    }
}
