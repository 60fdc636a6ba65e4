namespace Sluice;

/// <summary>Which values the functions of a later stage see.</summary>
public enum DataFlowVisibility
{
    /// <summary>What the stage before has produced. A stage that produces nothing leaves what was there.</summary>
    Stage,

    /// <summary>That, and the parameters of the flow.</summary>
    Initial,

    /// <summary>Everything: the parameters of the flow, and what all stages before have produced. Of two values of one name the later one.</summary>
    All,
}

/// <summary>How a data flow is run. Immutable.</summary>
public sealed record DataFlowOptions
{
    /// <summary>Which values the functions of a later stage see, and which are in the result.</summary>
    public DataFlowVisibility Visibility { get; init; }

    /// <summary>The clock of time limits, waits and timings.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether each run records when its functions started and ended. It costs two readings of the clock a function.</summary>
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
