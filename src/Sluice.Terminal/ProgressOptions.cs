using Spectre.Console;

namespace Sluice.Progress;

/// <summary>Options of a progress display (<see cref="ProgressExtensions"/>). Immutable.</summary>
public sealed record ProgressOptions
{
    private readonly TimeSpan refreshInterval = TimeSpan.FromMilliseconds(250);
    private readonly int maxRows = 16;
    private readonly long? expectedItems;
    private readonly TimeProvider time = TimeProvider.System;

    /// <summary>The first words of the display; null for the name of what is shown.</summary>
    public string? Title { get; init; }

    /// <summary>
    /// The number of items that the sources of a run will produce, for the bar and the time that is left; null if it is unknown. Not used
    /// for task graphs, consecutors and flows, whose totals are known.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public long? ExpectedItems
    {
        get => expectedItems;
        init
        {
            if (value is { } count) ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(ExpectedItems));
            expectedItems = value;
        }
    }

    /// <summary>
    /// The time between two pictures; 50 ms to 1 hour, by default 250 ms. A flow is asked at most once a second, because that costs
    /// queries of its store.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan RefreshInterval
    {
        get => refreshInterval;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMilliseconds(50), nameof(RefreshInterval));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromHours(1), nameof(RefreshInterval));
            refreshInterval = value;
        }
    }

    /// <summary>The maximum number of nodes that are shown; 1 to 1000, by default 16. The terminal's height limits it, too.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public int MaxRows
    {
        get => maxRows;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(MaxRows));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1000, nameof(MaxRows));
            maxRows = value;
        }
    }

    /// <summary>The clock of the display; by default the system's, even if the run has another one.</summary>
    /// <exception cref="ArgumentNullException">The clock is null.</exception>
    public TimeProvider Time
    {
        get => time;
        init
        {
            ArgumentNullException.ThrowIfNull(value, nameof(Time));
            time = value;
        }
    }

    /// <summary>The console; null for standard error. Nothing is shown on a console that is no terminal.</summary>
    public IAnsiConsole? Console { get; init; }
}
