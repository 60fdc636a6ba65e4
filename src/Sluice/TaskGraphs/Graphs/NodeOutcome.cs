namespace Sluice;

/// <summary>What became of a node.</summary>
public enum NodeStatus
{
    /// <summary>It was not started: the resolve had failed or was cancelled before.</summary>
    NotStarted,

    /// <summary>It had not ended when the resolve had.</summary>
    Running,

    /// <summary>It produced something, or nothing, as it was to.</summary>
    Succeeded,

    /// <summary>It failed, and its fallback took the place.</summary>
    FellBack,

    /// <summary>It failed.</summary>
    Failed,

    /// <summary>A parent without which it does not run produced nothing.</summary>
    Skipped,

    /// <summary>It was stopped, because another one had failed or the resolve was cancelled.</summary>
    Cancelled,
}

/// <summary>The record of a node in one resolve.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Status">What became of it.</param>
/// <param name="Value">What children receive from it; null if nothing.</param>
/// <param name="Exception">Why it failed, also where a fallback took the place; else null.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="Started">When it was started, or skipped, from the start of the resolve; zero unless timings are recorded (<see cref="GraphOptions.RecordTimings"/>).</param>
/// <param name="Elapsed">How long it took, with all attempts and waits; zero unless timings are recorded.</param>
/// <param name="Without">The parent for want of which it was skipped; else null.</param>
public sealed record NodeOutcome(
    string Node, NodeStatus Status, object? Value, Exception? Exception, int Attempts, TimeSpan Started, TimeSpan Elapsed, string? Without)
{
    /// <summary>Whether it produced what it was to, by itself.</summary>
    public bool Succeeded => Status == NodeStatus.Succeeded;

    /// <summary>For example <c>price: failed after 3 attempts: TimeoutException: It took longer than 0:00:00.2.</c></summary>
    public override string ToString() => Status switch
    {
        NodeStatus.Skipped => $"{Node}: skipped, as {Without} produced nothing",
        NodeStatus.Failed or NodeStatus.FellBack =>
            $"{Node}: {(Status == NodeStatus.Failed ? "failed" : "fell back")} after {Attempts} attempt{(Attempts == 1 ? "" : "s")}: {Exception!.GetType().Name}: {Exception.Message}",
        _ => $"{Node}: {Status switch { NodeStatus.NotStarted => "not started", NodeStatus.Succeeded when Value is null => "produced nothing", _ => Status.ToString().ToLowerInvariant() }}",
    };
}
