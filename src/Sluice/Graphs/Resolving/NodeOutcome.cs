namespace Sluice.Graphs;

/// <summary>The state of a node in a resolve.</summary>
public enum NodeStatus
{
    /// <summary>Not started, because the resolve failed or was cancelled before.</summary>
    NotStarted,

    /// <summary>Still running when the resolve ended.</summary>
    Running,

    /// <summary>Succeeded, with or without a value.</summary>
    Succeeded,

    /// <summary>Failed, and replaced by its fallback.</summary>
    FellBack,

    /// <summary>Failed.</summary>
    Failed,

    /// <summary>Skipped, because a parent that it needs produced nothing.</summary>
    Skipped,

    /// <summary>Cancelled, because another node failed or the resolve was cancelled. The function may have thrown any exception
    /// then.</summary>
    Cancelled,
}

/// <summary>The outcome of a node in one resolve.</summary>
/// <param name="Node">The name of the node.</param>
/// <param name="Status">The state of the node.</param>
/// <param name="Value">The value that its children receive; null if none.</param>
/// <param name="Exception">The failure, also if a fallback replaced the value; of a cancelled node what its function has thrown; otherwise
/// null.</param>
/// <param name="Attempts">The number of attempts.</param>
/// <param name="Started">The time from the start of the resolve to the start or skip of the node; zero unless timings are recorded
/// (<see cref="GraphOptions.RecordTimings"/>).</param>
/// <param name="Elapsed">The duration with all attempts and waits; zero unless timings are recorded.</param>
/// <param name="Without">The parent whose missing value caused the skip; otherwise null.</param>
public sealed record NodeOutcome(
    string Node, NodeStatus Status, object? Value, Exception? Exception, int Attempts, TimeSpan Started, TimeSpan Elapsed, string? Without)
{
    /// <summary>Whether the node succeeded without its fallback.</summary>
    public bool Succeeded => Status == NodeStatus.Succeeded;

    /// <summary>
    /// Describes the outcome, for example <c>price: failed after 3 attempts: TimeoutException: It took longer than 200 ms.</c>
    /// </summary>
    public override string ToString() => Status switch
    {
        NodeStatus.Skipped => $"{Node}: skipped, as {Without} produced nothing",
        NodeStatus.Failed or NodeStatus.FellBack =>
            $"{Node}: {(Status == NodeStatus.Failed ? "failed" : "fell back")} after {Attempts} "
            + $"attempt{(Attempts == 1 ? "" : "s")}: {Exception!.GetType().Name}: {FailureText.MessageOf(Exception)}",
        NodeStatus.Succeeded => $"{Node}: {(Value is null ? "produced nothing" : "succeeded")}"
            + (Attempts > 1 ? $" after {Attempts} attempts" : ""),
        NodeStatus.NotStarted => $"{Node}: not started",
        _ => $"{Node}: {Status.ToString().ToLowerInvariant()}",
    };
}
