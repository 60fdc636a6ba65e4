namespace Sluice;

/// <summary>Something has happened in a scope: a call has started, or ended; and how far the scope is.</summary>
/// <param name="Step">The step of the call.</param>
/// <param name="Status">What the call does now.</param>
/// <param name="At">When that was, from the beginning of the scope.</param>
/// <param name="Called">How many calls there have been in the scope.</param>
/// <param name="Running">How many of them are running.</param>
/// <param name="Succeeded">How many have succeeded.</param>
/// <param name="Failed">How many have failed, with those that did not run because something they depend on has failed.</param>
/// <param name="Cancelled">How many were cancelled.</param>
public sealed record StepProgress(string Step, FutureStatus Status, TimeSpan At, int Called, int Running, int Succeeded, int Failed, int Cancelled)
{
    /// <summary>For example <c>Fetch: succeeded, 3 of 12 ended</c>.</summary>
    public override string ToString() => $"{Step}: {Status.ToString().ToLowerInvariant()}, {Succeeded + Failed + Cancelled} of {Called} ended";
}
