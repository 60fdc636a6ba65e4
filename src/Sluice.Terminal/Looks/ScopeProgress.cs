using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Progress.Looks;

/// <summary>The progress of a task graph. The total is the number of calls made so far.</summary>
internal sealed class ScopeProgress(StepScope scope, string? title) : IProgressSource
{
    public TimeSpan MinInterval => TimeSpan.Zero;

    public ValueTask<ProgressLook> LookAsync(CancellationToken cancellation)
    {
        StepScopeSnapshot snapshot = scope.Snapshot();
        StepCounts total = snapshot.Total;
        StepCounts? busiest = snapshot.Steps.Count > 1 ? snapshot.Steps.MaxBy(static step => step.Running) : null;
        return ValueTask.FromResult(new ProgressLook(title ?? snapshot.Name ?? "steps", StatusOf(snapshot), total.Ended, total.Called,
            "calls", snapshot.Elapsed)
        {
            Rows = [.. snapshot.Steps.Select(static step
                => new ProgressRow(step.Step, step.Ended, step.Waiting, step.Failed, StateOf(step)))],
            Bottleneck = busiest is { Running: > 0 } && total.Waiting > 0 ? busiest.Step : null,
            IsOver = snapshot.IsDisposed,
        });
    }

    private static string StatusOf(StepScopeSnapshot snapshot) => snapshot.Total switch
    {
        { Called: 0 } => "no calls yet",
        { Running: 0, Waiting: 0, Failed: > 0 } => "ended, with failures",
        { Running: 0, Waiting: 0 } => "all calls ended",
        _ => "running",
    };

    private static string StateOf(StepCounts step) => step switch
    {
        { Running: > 0 } => $"{step.Running} running",
        { Waiting: > 0 } => "waiting",
        { Cancelled: > 0 } => $"ended, {step.Cancelled} cancelled",
        _ => "ended",
    };
}
