using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Hosting;

/// <summary>
/// The supervisor of a host: starts with the host, and hands its processors over when the host stops. Calls before the start throw.
/// </summary>
internal sealed partial class HostedSupervisor(
    SluiceOptions options, IServiceProvider container, IEnumerable<ProcessorRegistration> processors, ILogger<Supervisor> log)
        : ISupervisor, IHostedLifecycleService, IAsyncDisposable
{
    private Supervisor? supervisor;

    /// <summary>The store; null before the host has started.</summary>
    public IStreamStore? Store { get; private set; }

    /// <summary>Which registered processors are not hosted here, and why; null if all are.</summary>
    public string? Problem => supervisor?.Problem;

    private Supervisor Started => supervisor
        ?? throw new InvalidOperationException(
        "The supervisor is not at work: it begins when the host starts, and ends when it stops. Start the host first, or call it from a "
            + "hosted service that is added after AddSluice.");

    /// <summary>Runs as a worker if this process is an executor's child, and then exits; before any service of the host starts.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (await Worker.TryRunAsWorkerAsync(Functions(), Configured()).ConfigureAwait(false)) Environment.Exit(0);
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            Store = await options.OpenStore(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException gaveUp) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(
                "The stream store was not opened before the host gave up starting (HostOptions.StartupTimeout, or it was told to stop): "
                    + "does its server answer, or does another process hold its file?", gaveUp, cancellationToken);
        }
        supervisor = Supervisor.Attach(Store, Configured());
        supervisor.Register(Functions());
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref supervisor, null) is not { } ending) return;
        try
        {
            await ending.DisposeAsync().AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            TooLate(log);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref supervisor, null) is { } ending) await ending.DisposeAsync().ConfigureAwait(false);
        if (Store is { } store) await store.DisposeAsync().ConfigureAwait(false);
    }

    public Task<FlowRun> StartAsync(Flow flow, IEnumerable<IOVal> inputs, bool allOutputs = false, string? run = null,
        bool keepOutputs = false, CancellationToken cancellation = default)
        => Started.StartAsync(flow, inputs, allOutputs, run, keepOutputs, cancellation);

    public Task<FlowRun?> FindAsync(string run, CancellationToken cancellation = default) => Started.FindAsync(run, cancellation);

    public IAsyncEnumerable<FlowRunInfo> ListAsync(CancellationToken cancellation = default) => Started.ListAsync(cancellation);

    public Task<bool> CancelAsync(string run, string reason = "", CancellationToken cancellation = default)
        => Started.CancelAsync(run, reason, cancellation);

    public Task<bool> DeleteAsync(string run, CancellationToken cancellation = default) => Started.DeleteAsync(run, cancellation);

    private SupervisorOptions Configured()
        => options.Supervisor with
        {
            Services = options.Supervisor.Services ?? new ContainerServices(container),
            OnWarning = options.Supervisor.OnWarning ?? Warn
        };

    private ProcessorFunctions Functions()
    {
        var functions = new ProcessorFunctions();
        foreach (ProcessorRegistration processor in processors) processor.AddTo(functions);
        return functions;
    }

    private void Warn(string text) => Warned(log, text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Text}")]
    private static partial void Warned(ILogger log, string text);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Not everything was handed over in the time that the host has for stopping: a processor does not end although it was "
            + "cancelled. Others take it over when this service has been silent for the lease duration.")]
    private static partial void TooLate(ILogger log);
}
