using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Hosting.Tests;

/// <summary>A host with one consecutor, and its check of readiness, in virtual time.</summary>
public abstract class HealthTestBase
{
    private protected TestClock Clock { get; } = new();
    private protected TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected IHost Build(HealthOptions health, IStreamStore store, Func<int, CancellationToken, Task>? function = null,
        Func<ConsecutorOptions, ConsecutorOptions>? configure = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSingleton<TimeProvider>(Clock);
        builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(store)).Health = health)
            .AddConsecutor<int>("numbers", (_, source) => function is null ? source | (static _ => { }) : source | function, configure);
        return builder.Build();
    }

    private protected async Task HangAsync(int number, CancellationToken cancellation) => await Release.Task.WaitAsync(cancellation);

    private protected static async Task<HealthReportEntry> CheckAsync(IHost host)
        => (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation)).Entries["sluice"];

    private protected static (HealthStatus, string?) Told(HealthReportEntry entry) => (entry.Status, entry.Description);
}
