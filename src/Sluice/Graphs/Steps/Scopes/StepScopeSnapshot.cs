using Sluice.Graphs;

namespace Sluice.Diagnostics;

/// <summary>The counts of a scope's calls (<see cref="StepScope.Snapshot"/>). Calls go on meanwhile, so sums may differ by some.</summary>
/// <param name="Name">The name of the scope; null if it has none.</param>
/// <param name="Elapsed">The time since the begin of the scope, by its clock.</param>
/// <param name="IsDisposed">Whether the scope has been disposed, so that no call can be added.</param>
/// <param name="Total">The counts of all calls.</param>
/// <param name="Steps">
/// The counts by step, in the order of their first calls; empty if the scope records nothing (<see cref="StepScopeOptions.RecordsGraph"/>).
/// </param>
public sealed record StepScopeSnapshot(
    string? Name, TimeSpan Elapsed, bool IsDisposed, StepCounts Total, IReadOnlyList<StepCounts> Steps);

/// <summary>The counts of calls in a scope.</summary>
/// <param name="Step">The step of the calls; empty for the calls of all steps.</param>
/// <param name="Called">The number of calls.</param>
/// <param name="Running">The number of running calls.</param>
/// <param name="Succeeded">The number of successful calls.</param>
/// <param name="Failed">The number of failed calls, including those that did not run because a dependency failed.</param>
/// <param name="Cancelled">The number of cancelled calls.</param>
public sealed record StepCounts(string Step, long Called, int Running, long Succeeded, long Failed, long Cancelled)
{
    /// <summary>The number of calls that have ended.</summary>
    public long Ended => Succeeded + Failed + Cancelled;

    /// <summary>The number of calls that wait for a dependency or for a concurrency limit.</summary>
    public long Waiting => Math.Max(0, Called - Running - Ended);
}
