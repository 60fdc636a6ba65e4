using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Sluice.Hosting;

/// <summary>
/// The health check: healthy if the store answers and all registered processors are hosted, degraded if the store reports a loss.
/// </summary>
internal sealed class StoreHealth(HostedSupervisor supervisor) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (supervisor.Store is not { } store) return HealthCheckResult.Unhealthy("The store is not open: the host has not been started.");
        try
        {
            await store.FindStreamAsync("sluice health", cancellationToken).ConfigureAwait(false);
            if (supervisor.Problem is { } problem) return HealthCheckResult.Unhealthy(problem);
            return store.Loss is { } loss ? HealthCheckResult.Degraded(loss) : HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException)
        {
            return HealthCheckResult.Unhealthy($"The store does not answer: {e.Message}");
        }
    }
}
