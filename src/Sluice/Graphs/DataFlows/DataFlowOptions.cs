using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>Which values the functions of later stages see.</summary>
public enum DataFlowVisibility
{
    /// <summary>The results of the stage before. A stage without results leaves the earlier values visible.</summary>
    Stage,

    /// <summary>The results of the stage before, and the parameters of the flow.</summary>
    Initial,

    /// <summary>The parameters of the flow and the results of all earlier stages. Of two values of the same name, the later one.</summary>
    All,
}

/// <summary>Options of a data flow. Immutable.</summary>
public sealed record DataFlowOptions
{
    /// <summary>
    /// Which values the functions of later stages see, and which the result has. Default: <see cref="DataFlowVisibility.Stage"/>.
    /// </summary>
    public DataFlowVisibility Visibility { get; init; }

    /// <summary>The clock of timeouts, waits and timings; default the system's.</summary>
    public TimeProvider Time { get; init => field = OptionValue.NotNull(value, nameof(DataFlowOptions)); } = TimeProvider.System;

    /// <summary>Whether runs record when their functions started and ended. Costs two clock readings per function.</summary>
    public bool RecordTimings { get; init; }

    /// <inheritdoc cref="GraphOptions.StopTimeout"/>
    public TimeSpan StopTimeout
    {
        get => Graph.StopTimeout;
        init => Graph = Graph with { StopTimeout = value };
    }

    private GraphOptions Graph { get; init; } = new();

    internal GraphOptions ForGraph() => Graph with { Time = Time, RecordTimings = RecordTimings };
}
