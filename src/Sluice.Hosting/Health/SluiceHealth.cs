using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sluice.Diagnostics;

namespace Sluice.Hosting;

/// <summary>
/// The check of readiness: unhealthy if the store does not answer, or something has failed for good; degraded if something is beyond the
/// limits of <see cref="HealthOptions"/>, with the reasons.
/// </summary>
/// <remarks>Thread-safe. There is one per host: it compares its looks at the units.</remarks>
internal sealed class SluiceHealth(SluiceHost host, HostStore store, HostedSupervisor supervisor, SluiceSettings settings,
    TimeProvider? time = null) : IHealthCheck
{
    private readonly TimeProvider clock = time ?? TimeProvider.System;
    private readonly HealthOptions limits = settings.Health;
    private readonly StoreProbe probe = new(store, settings.Health, time ?? TimeProvider.System);
    private readonly StallWatch stalls = new(time ?? TimeProvider.System);
    private readonly GrowthWatch growth = new(time ?? TimeProvider.System);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!store.IsOpen || !host.IsStarted || host.Units is not { } units)
            return HealthCheckResult.Unhealthy("The host has not started, or is stopping.");
        var report = new HealthNotes();
        IReadOnlyDictionary<string, OldestItem> oldest = System.Collections.Immutable.ImmutableDictionary<string, OldestItem>.Empty;
        try
        {
            oldest = await probe.AskAsync(units.Names, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            report.Failed.Add($"The store does not answer: {e.Message}");
        }
        if (supervisor.Problem is { } hosting) report.Failed.Add(hosting);
        if (report.Failed.Count == 0 && store.Refusal is { } refusal)
            report.Degraded.Add($"The store has refused the last append: {refusal}");
        foreach (HostedUnit unit in units.InOrder)
        {
            Look(unit, report);
            if (unit.Consecutor is { } name && oldest.TryGetValue(name, out OldestItem item)) LookAtAge(unit, name, item, report);
        }
        if (store.IsOpen && store.Loss is { } loss && !report.Degraded.Exists(told => told.Contains(loss, StringComparison.Ordinal)))
            report.Degraded.Add(loss);
        return report.Result;
    }

    private void Look(HostedUnit unit, HealthNotes report)
    {
        if (unit.Completion.IsFaulted)
        {
            (string where, Exception cause) = settings.Describe(unit.Completion.Exception!.InnerException!);
            report.Failed.Add($"{unit.Title} has failed for good{where}: {cause.Message}");
            return;
        }
        if (unit.Problem is { } problem) report.Degraded.Add($"{unit.Title}: {problem}");
        if (unit.Snapshot() is { } now) LookAtCounts(unit, now, report);
        if (unit.Progress() is not { } progress || stalls.Look(unit, progress) is not { } standstill
            || standstill < limits.MaxStalledDuration) return;
        string what = progress.InFlight is { } items ? $"{Amounts.Of(items, "item")} in flight" : "items in work";
        string advice = progress.Nodes.Count > 0 ? $" Look at {string.Join(", ", progress.Nodes.Select(static node => $"'{node}'"))}." : "";
        report.Degraded.Add($"{unit.Title} is stalled: it has {what}, and none has moved for {Amounts.About(standstill)}.{advice}");
    }

    private void LookAtCounts(HostedUnit unit, ConsecutorSnapshot now, HealthNotes report)
    {
        report.Count(now.Name, "backlog", now.Pending);
        report.Count(now.Name, "in_flight", now.InFlight);
        report.Count(now.Name, "retrying", now.Retrying);
        report.Count(now.Name, "dead", now.Dead);
        if (now.PausedAt is { } paused)
            report.Count(now.Name, "paused_seconds", Math.Max(0, (long)(clock.GetUtcNow() - paused).TotalSeconds));
        if (now.Pending > limits.MaxBacklog)
            report.Degraded.Add($"{unit.Title} has a backlog of {Amounts.Of(now.Pending, "item")}; the limit is "
                + $"{Amounts.Of(limits.MaxBacklog.Value)}.");
        if (now.Dead > limits.MaxDeadLetters)
            report.Degraded.Add($"{unit.Title} has {Amounts.Of(now.Dead, "dead letter")}; the limit is "
                + $"{Amounts.Of(limits.MaxDeadLetters.Value)}.");
        if (now.PausedAt is not null) growth.Forget(now.Name);         // it is meant to grow
        else if (limits.MaxGrowingDuration is { } limit && growth.Look(now.Name, now.Pending, limit) is { } grown)
            report.Degraded.Add($"{unit.Title} has a growing backlog: from {Amounts.Of(grown.From)} to "
                + $"{Amounts.Of(now.Pending, "item")} in {Amounts.About(grown.For)}. Items come faster than they end.");
    }

    private void LookAtAge(HostedUnit unit, string name, OldestItem oldest, HealthNotes report)
    {
        if (oldest.Problem is { } problem)
        {
            report.Degraded.Add($"{unit.Title}: its oldest item cannot be read: {problem}");
            return;
        }
        report.Count(name, "oldest_seconds", (long)oldest.Age.TotalSeconds);
        if (oldest.Age > limits.MaxOutstandingDuration)
            report.Degraded.Add($"{unit.Title} has an item that was accepted {Amounts.About(oldest.Age)} ago and has not ended; the limit "
                + $"is {Amounts.Exactly(limits.MaxOutstandingDuration.Value)}.");
    }
}

/// <summary>What a look at the units has found.</summary>
internal sealed class HealthNotes
{
    private readonly Dictionary<string, object> data = new(StringComparer.Ordinal);

    public List<string> Failed { get; } = [];

    public List<string> Degraded { get; } = [];

    public HealthCheckResult Result
        => Failed.Count > 0 ? HealthCheckResult.Unhealthy(string.Join(' ', Failed.Concat(Degraded)), data: data)
            : Degraded.Count > 0 ? HealthCheckResult.Degraded(string.Join(' ', Degraded), data: data)
            : HealthCheckResult.Healthy(data: data);

    public void Count(string unit, string what, long count) => data[$"{unit}.{what}"] = count;
}

/// <summary>The check of liveness: unhealthy only if something has failed for good, so that a restart may help.</summary>
internal sealed class SluiceLiveness(SluiceHost host) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string[] failed = [.. host.Units?.InOrder.Where(static unit => unit.Completion.IsFaulted).Select(static unit => unit.Title) ?? []];
        return Task.FromResult(failed.Length == 0 ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy($"Failed for good: {string.Join(", ", failed)}."));
    }
}
