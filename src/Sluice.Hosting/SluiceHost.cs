using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Sluice.Hosting;

/// <summary>Starts and stops everything of Sluice in a host: the store, the supervisor, then consecutors, pipelines and producers,
/// receivers before senders; and stops it the other way round.</summary>
/// <remarks>The host calls it from one thread at a time. Failures of units arrive on any thread.</remarks>
internal sealed class SluiceHost(SluiceSettings settings, HostStore store, HostedSupervisor supervisor, IServiceProvider container,
    ILogger<SluiceHost> log, IHostApplicationLifetime? lifetime = null, IOptions<HostOptions>? hostOptions = null) : IHostedLifecycleService
{
    // What the store needs to take back what is in flight.
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(2);

    private readonly List<HostedUnit> started = [];
    private volatile HostedUnits? units;

    /// <summary>The units; null before the host starts.</summary>
    public HostedUnits? Units => units;

    /// <summary>Whether everything has started.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Runs as a worker if this process is an executor's child, and then exits; before any service of the host starts.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (await supervisor.TryRunAsWorkerAsync().ConfigureAwait(false)) Environment.Exit(0);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var made = new HostedUnits(container.GetServices<HostedUnit>());
        foreach (HostedUnit unit in made.InOrder) unit.Make(container);
        settings.Check(made.Names);
        foreach (HostedUnit unit in made.InOrder) unit.Wire(made);
        units = made;
        try
        {
            await store.OpenAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException gaveUp) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(
                "The stream store was not opened before the host gave up starting (HostOptions.StartupTimeout, or it was told to stop): "
                    + "does its server answer, or does another process hold its file?", gaveUp, cancellationToken);
        }
        HostLog.Opened(log, settings.StoreName);
        supervisor.Start();
        try
        {
            foreach (HostedUnit unit in made.InOrder)
            {
                await unit.StartAsync(cancellationToken).ConfigureAwait(false);
                started.Add(unit);
                HostLog.Started(log, unit.Title);
                _ = WatchAsync(unit);
            }
            IsStarted = true;
        }
        catch (Exception)
        {
            await StopUnitsAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        IsStarted = false;
        await StopUnitsAsync(cancellationToken).ConfigureAwait(false);
        await supervisor.StopAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task StopUnitsAsync(CancellationToken cancellation)
    {
        TimeSpan allowed = hostOptions?.Value.ShutdownTimeout ?? TimeSpan.FromSeconds(30);
        TimeSpan deadline = allowed > 2 * Reserve ? allowed - Reserve : allowed / 2;
        long begun = TimeProvider.System.GetTimestamp();
        for (int i = started.Count - 1; i >= 0; i--)
        {
            TimeSpan left = deadline - TimeProvider.System.GetElapsedTime(begun);
            bool isQuiet = await started[i].StopAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellation).ConfigureAwait(false);
            if (isQuiet) HostLog.Stopped(log, started[i].Title);
            else HostLog.CutShort(log, started[i].Title);
        }
        started.Clear();
    }

    private async Task WatchAsync(HostedUnit unit)
    {
        try
        {
            await unit.Completion.ConfigureAwait(false);
            if (IsStarted) HostLog.Ended(log, unit.Title);
        }
        catch (Exception failure)
        {
            if (settings.OnFailure == Flows.HostFailurePolicy.Degrade || lifetime is null)
            {
                HostLog.Failed(log, unit.Title, failure);
                return;
            }
            HostLog.FailedAndStops(log, unit.Title, failure);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }
}
