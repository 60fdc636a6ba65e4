using Microsoft.Extensions.Diagnostics.HealthChecks;
using Sluice.Diagnostics;

namespace Sluice.Hosting;

/// <summary>
/// The check of readiness: unhealthy if the store does not answer, or something has failed for good; degraded if something is beyond the
/// limits of <see cref="HealthOptions"/>, with the reasons.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SluiceHealth(SluiceHost host, HostStore store, HostedSupervisor supervisor, SluiceSettings settings) : IHealthCheck
{
    private readonly HealthOptions limits = settings.Health;
    private readonly StallWatch stalls = new(TimeProvider.System);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!store.IsOpen || !host.IsStarted || host.Units is not { } units)
            return HealthCheckResult.Unhealthy("The host has not started, or is stopping.");
        try
        {
            await store.FindStreamAsync("sluice health", cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException)
        {
            return HealthCheckResult.Unhealthy($"The store does not answer: {e.Message}");
        }
        var data = new Dictionary<string, object>(StringComparer.Ordinal);
        List<string> failed = [], degraded = [];
        if (supervisor.Problem is { } hosting) failed.Add(hosting);
        if (store.Loss is { } loss) degraded.Add(loss);
        foreach (HostedUnit unit in units.InOrder) Look(unit, data, failed, degraded);
        if (failed.Count > 0) return HealthCheckResult.Unhealthy(string.Join(' ', failed.Concat(degraded)), data: data);
        return degraded.Count == 0 ? HealthCheckResult.Healthy(data: data)
            : HealthCheckResult.Degraded(string.Join(' ', degraded), data: data);
    }

    private void Look(HostedUnit unit, Dictionary<string, object> data, List<string> failed, List<string> degraded)
    {
        if (unit.Completion.IsFaulted)
        {
            failed.Add($"{unit.Title} has failed for good: {unit.Completion.Exception!.InnerException!.Message}");
            return;
        }
        if (unit.Problem is { } problem) degraded.Add($"{unit.Title}: {problem}");
        if (unit.Snapshot() is not { } now) return;
        data[$"{now.Name}.backlog"] = now.Pending;
        data[$"{now.Name}.in_flight"] = now.InFlight;
        data[$"{now.Name}.retrying"] = now.Retrying;
        data[$"{now.Name}.dead"] = now.Dead;
        if (now.Pending > limits.MaxBacklog)
            degraded.Add($"{unit.Title} has a backlog of {now.Pending:N0} items; the limit is {limits.MaxBacklog:N0}.");
        if (now.Dead > limits.MaxDeadLetters)
            degraded.Add(
                $"{unit.Title} has {now.Dead:N0} {(now.Dead == 1 ? "dead letter" : "dead letters")}; the limit is {limits.MaxDeadLetters:N0}.");
        if (stalls.Look(now) is { } standstill && standstill >= limits.MaxStalledDuration)
            degraded.Add(
                $"{unit.Title} has {now.InFlight:N0} items in flight, and none has ended for {standstill.TotalMinutes:N0} minutes.");
    }
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

/// <summary>Measures how long consecutors have had items in flight without an end of any.</summary>
/// <remarks>Thread-safe. It sees what its caller shows it: between two looks, nothing is measured.</remarks>
internal sealed class StallWatch(TimeProvider time)
{
    private readonly Lock sync = new();
    private readonly Dictionary<string, (long Ended, long At)> seen = new(StringComparer.Ordinal);

    /// <summary>Returns how long nothing has ended; null if nothing is in flight.</summary>
    public TimeSpan? Look(ConsecutorSnapshot now)
    {
        long ended = now.Accepted - now.Pending - now.InFlight;
        lock (sync)
        {
            if (now.InFlight == 0)
            {
                seen.Remove(now.Name);
                return null;
            }
            if (!seen.TryGetValue(now.Name, out (long Ended, long At) before) || before.Ended != ended)
                seen[now.Name] = before = (ended, time.GetTimestamp());
            return time.GetElapsedTime(before.At);
        }
    }
}
