using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Sluice.Hosting;

/// <summary>Starts and stops everything of Sluice in a host: the store, the supervisor, then consecutors, pipelines and producers,
/// receivers before senders; and stops it the other way round.</summary>
/// <remarks>
/// Thread-safe. A host starts once. A stop during the start cancels the start and waits for its end, so the list of started units has one
/// user at a time. Failures of units arrive on any thread.
/// </remarks>
internal sealed class SluiceHost(SluiceSettings settings, HostStore store, HostedSupervisor supervisor, IServiceProvider container,
    ILogger<SluiceHost> log, IHostApplicationLifetime? lifetime = null, IOptions<HostOptions>? hostOptions = null,
    TimeProvider? time = null)
    : IHostedLifecycleService, IDisposable
{
    private readonly List<HostedUnit> started = [];
    private readonly CancellationTokenSource stopping = new();
    private readonly UnitStops stops = new(log);
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private long? stopBegan;
    private volatile HostedUnits? units;
    private volatile bool isStarted, isDisposed;
    private volatile FailedStartException? failure;  // the first unit that has failed for good and stops the host
    private string doing = "";                       // what the start waits for
    private StartAttempt? attempt;
    private Task? starting, ended, cutShort;

    /// <summary>The units; null before the host starts.</summary>
    public HostedUnits? Units => units;

    /// <summary>The failure for good of a unit, if it has stopped the host: the reason why the host does not start.</summary>
    public FailedStartException? Failure => failure;

    /// <summary>Whether everything has started, and no stop has begun.</summary>
    public bool IsStarted => isStarted && !IsStopping;

    private bool IsStopping => stopping.IsCancellationRequested;

    /// <summary>Runs as a worker if this process is an executor's child, and then exits; before any service of the host starts.</summary>
    /// <remarks>The host calls it before any service starts. Those that stand before Sluice may be cancelled, too.</remarks>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (lifetime is not null) attempt = StartAttempt.Begin(lifetime, cancellationToken);
        if (await supervisor.TryRunAsWorkerAsync().ConfigureAwait(false)) Environment.Exit(0);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref starting, start.Task, null) is not null)
            throw new InvalidOperationException("The host was started before, and a host starts once. Build another one.");
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping.Token);
        try
        {
            await StartUnitsAsync(cancellation.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await EndFailedStartAsync().ConfigureAwait(false);
            if (e is OperationCanceledException && failure is { } why) throw why;
            if (e is OperationCanceledException && lifetime is { ApplicationStopping.IsCancellationRequested: true })
                throw new StoppedStartException(e);
            if (e is OperationCanceledException && cancellationToken.IsCancellationRequested) throw new LateStartException(doing, e);
            throw;
        }
        finally
        {
            start.SetResult();
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Notes when the host's time to stop has begun: other services stop before this one, the web server for example.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        stopBegan = time.GetTimestamp();
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops everything. Before the start and after the disposal, it does nothing. If a stop has begun, it waits for that
    /// one.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => StopAsync(stopsSupervisor: true, cancellationToken);

    /// <summary>Stops the units of a host that is disposed. The container disposes the supervisor.</summary>
    public async Task CutShortAsync()
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref cutShort, end.Task, null) is { } other)
        {
            await other.ConfigureAwait(false);
            return;
        }
        try
        {
            await StopAsync(stopsSupervisor: false, new(canceled: true)).ConfigureAwait(false);
        }
        finally
        {
            end.SetResult();
        }
    }

    private async Task StopAsync(bool stopsSupervisor, CancellationToken cancellationToken)
    {
        if (isDisposed || starting is not { } start) return;
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref ended, end.Task, null) is { } other)
        {
            await other.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }
        try
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            await start.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (start.IsCompleted) await EndAsync(stopsSupervisor, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            end.SetResult();
        }
    }

    public void Dispose()
    {
        isDisposed = true;                           // a test host stops a host that its program has disposed
        stopping.Dispose();
    }

    private async Task StartUnitsAsync(CancellationToken cancellation)
    {
        container.GetRequiredService<DisposedContainer>().Ends(this);
        var made = new HostedUnits(container.GetServices<HostedUnit>());
        made.Check(container.GetServices<OutputRegistration>());
        foreach (HostedUnit unit in made.InOrder) WiringException.Guard(unit.Title, () => unit.Make(container));
        settings.Check(made.Names);
        foreach (HostedUnit unit in made.InOrder) WiringException.Guard(unit.Title, () => unit.Wire(made));
        foreach (HostedGraph graph in container.GetServices<HostedGraph>()) WiringException.Guard(graph.Title, () => graph.Make(container));
        if (container.GetService<IServiceProviderIsService>() is { } known)
            foreach (NeededService needed in container.GetServices<NeededService>())
                if (needed.WhatIsMissing(known) is { } missing) throw new WiringException(missing);
        units = made;
        store.RefuseOthers(container);               // ahead of the next line: the container disposes what it gave out last first
        container.GetRequiredService<HostDisposal>().EndBefore(this);
        doing = "the stream store was not open yet. Does its server answer, or does another process hold its file?";
        await store.OpenAsync(cancellation).ConfigureAwait(false);
        HostLog.Opened(log, settings.NameOf(store.Root));
        foreach (string name in settings.Ignored) HostLog.SettingIgnored(log, name, name.Replace("_", "__", StringComparison.Ordinal));
        if (!settings.HasStore) HostLog.InMemory(log);
        if (container.GetService<ReplacedStore>() is not null) HostLog.StoreReplaced(log);
        supervisor.Start();
        foreach (HostedUnit unit in made.InOrder)
        {
            doing = $"{unit.Title} had not started.";
            await unit.StartAsync(cancellation).ConfigureAwait(false);
            started.Add(unit);
            HostLog.Started(log, unit.Title);
            _ = WatchAsync(unit);
        }
        cancellation.ThrowIfCancellationRequested();
        isStarted = true;
    }

    /// <summary>What is left of the host's time to stop; infinite for no limit.</summary>
    private TimeSpan TimeToStop()
    {
        TimeSpan whole = hostOptions?.Value.ShutdownTimeout ?? TimeSpan.FromSeconds(30);
        if (stopBegan is not { } began || whole < TimeSpan.Zero) return whole;
        TimeSpan left = whole - time.GetElapsedTime(began);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Stops what was started. What fails then is logged: it must not replace the reason why the host did not start.</summary>
    /// <remarks>A last resort: units and executors that fail are logged where they are stopped. Only a log that fails leaves the
    /// stop.</remarks>
    private async Task EndFailedStartAsync()
    {
        try
        {
            await EndAsync(stopsSupervisor: true, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            try
            {
                HostLog.FailedStartNotUndone(log, e);
            }
            catch (Exception)
            {
                // The log fails, perhaps for the same reason, such as a full disk.
            }
        }
    }

    private async Task EndAsync(bool stopsSupervisor, CancellationToken cancellation)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        HostedUnit[] all = [.. started];
        started.Clear();
        await stops.StopAsync(all, TimeToStop(), cancellation).ConfigureAwait(false);
        if (stopsSupervisor) await supervisor.StopAsync(UnitStops.LimitOf(TimeToStop()), cancellation).ConfigureAwait(false);
    }

    private async Task WatchAsync(HostedUnit unit)
    {
        await unit.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Exception? failed = unit.Completion.IsCanceled ? new TaskCanceledException(unit.Completion)
            : unit.Completion.Exception?.InnerException;
        bool isLeft = IsStopping || settings.OnFailure == HostFailurePolicy.Degrade || failed is null;
        IHostApplicationLifetime? stops = isLeft ? null : lifetime;
        try
        {
            Tell(unit, failed, stops is not null);
        }
        catch (Exception)
        {
            // The log fails, perhaps for the same reason, such as a full disk. The host stops nevertheless.
        }
        if (stops is null) return;
        Environment.ExitCode = 1;
        stops.StopApplication();
    }

    private void Tell(HostedUnit unit, Exception? failed, bool stops)
    {
        if (failed is null)
        {
            if (IsStopping) return;
            if (unit.Problem is { } problem) HostLog.Warned(log, $"Ended: {unit.Title}. {problem}");
            else HostLog.Ended(log, unit.Title);
            return;
        }
        (string where, Exception cause) = settings.Describe(failed);
        if (stops)
        {
            failure ??= new($"The host did not start: {unit.Title} has failed for good{where}: {cause.Message}", failed);
            if (attempt is { } start) start.Failure = failure;
        }
        if (IsStopping) HostLog.FailedWhileStopping(log, unit.Title, where, cause);
        else if (stops) HostLog.FailedAndStops(log, unit.Title, where, cause);
        else HostLog.Failed(log, unit.Title, where, cause);
    }
}
