using Sluice.Graphs;

namespace Sluice.Dashboard.Sampling;

/// <summary>How a resolve has ended.</summary>
internal enum ResolveOutcome
{
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>One resolve of a graph that has ended: times and outcomes, without requests and values.</summary>
/// <remarks>A resolve that failed, and was not recorded because many began in its second, has no times and nodes.</remarks>
/// <param name="Number">Its number since the dashboard began to watch, from 1.</param>
/// <param name="EndedAt">When it ended, by the clock on the wall.</param>
/// <param name="Elapsed">How long it took; zero if it was not recorded.</param>
/// <param name="Outcome">How it has ended.</param>
/// <param name="Problem">Why it has failed, or was cancelled; empty otherwise.</param>
/// <param name="Nodes">Its nodes, in topological order; the first <see cref="GraphRecorder.MaxNodes"/> of them; none if it was not
/// recorded.</param>
internal sealed record ResolveRecord(long Number, DateTimeOffset EndedAt, TimeSpan Elapsed, ResolveOutcome Outcome, string Problem,
    NodeRun[] Nodes)
{
    public bool IsRecorded => Nodes.Length > 0;
}

/// <summary>A node in one resolve.</summary>
/// <param name="Status">Its state at the end.</param>
/// <param name="Started">The time from the start of the resolve to its start.</param>
/// <param name="Elapsed">How long it took, with all attempts; zero if it has not ended.</param>
/// <param name="Attempts">The number of attempts.</param>
/// <param name="Why">Its failure, or the parent without which it was skipped; empty otherwise.</param>
internal readonly record struct NodeRun(NodeStatus Status, TimeSpan Started, TimeSpan Elapsed, int Attempts, string Why)
{
    /// <summary>Whether its function has failed, even if a fallback replaced the value or the resolve goes on without it.</summary>
    public bool HasFailed => Status is NodeStatus.Failed or NodeStatus.FellBack;

    /// <summary>Whether its function has run to its end.</summary>
    public bool HasRun => HasFailed || Status == NodeStatus.Succeeded;

    public static NodeRun Of(NodeOutcome outcome)
    {
        bool hasFailed = outcome.Status is NodeStatus.Failed or NodeStatus.FellBack;
        return new(outcome.Status, NotNegative(outcome.Started), NotNegative(outcome.Elapsed), outcome.Attempts,
            hasFailed ? Errors.Text(outcome.Exception) : outcome.Without ?? "");
    }

    // The clock of a graph may be any, one that goes back included.
    public static TimeSpan NotNegative(TimeSpan time) => time < TimeSpan.Zero ? TimeSpan.Zero : time;
}
