using Sluice.Graphs;

namespace Sluice.Diagnostics;

/// <summary>A report of progress in a scope: a call has started or ended, and the counts of all calls.</summary>
/// <param name="Step">The step of the call.</param>
/// <param name="Status">The new state of the call.</param>
/// <param name="At">The time since the begin of the scope.</param>
/// <param name="Called">The number of calls in the scope.</param>
/// <param name="Running">The number of running calls.</param>
/// <param name="Succeeded">The number of successful calls.</param>
/// <param name="Failed">The number of failed calls, including those that did not run because a dependency failed.</param>
/// <param name="Cancelled">The number of cancelled calls.</param>
public sealed record StepProgress(string Step, FutureStatus Status, TimeSpan At, long Called, int Running, long Succeeded, long Failed,
    long Cancelled)
{
    /// <summary>Describes the report, for example <c>Fetch: succeeded, 3 of 12 ended</c>.</summary>
    public override string ToString()
        => $"{Step}: {Status.ToString().ToLowerInvariant()}, {Succeeded + Failed + Cancelled} of {Called} ended";
}
