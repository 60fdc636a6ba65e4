using Sluice.Diagnostics;

namespace Sluice.Hosting;

/// <summary>
/// The supervisor of a host: attached when the host starts if it has processors, else by the first call; it hands its processors over when
/// the host stops. Calls before the start throw.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class HostedSupervisor(SluiceSettings settings, HostStore store, IServiceProvider container,
    IEnumerable<ProcessorRegistration> processors, ILogger<Supervisor> log) : ISupervisor, IAsyncDisposable
{
    private readonly Lock sync = new();
    private readonly ProcessorRegistration[] processors = [.. processors];
    private Supervisor? supervisor;
    private bool isRunning;

    /// <summary>Which registered processors are not hosted here, and why; null if all are.</summary>
    public string? Problem => supervisor?.Problem;

    /// <summary>The supervisor itself, for code that is made while the host runs.</summary>
    /// <exception cref="InvalidOperationException">The host does not run.</exception>
    public Supervisor Attached => Started;

    private Supervisor Started
    {
        get
        {
            lock (sync)
            {
                if (isRunning) return supervisor ??= Supervisor.Attach(store, Configured());
            }
            throw new InvalidOperationException(
                "The supervisor is not at work: it begins when the host starts, and ends when it stops. Start the host first, or call it "
                    + "from a hosted service that is added after AddSluice. A constructor that runs earlier takes an ISupervisor.");
        }
    }

    /// <summary>Runs as a worker if this process is an executor's child.</summary>
    public Task<bool> TryRunAsWorkerAsync() => Worker.TryRunAsWorkerAsync(Functions(), Configured());

    /// <summary>Begins to host the processors. The store is open.</summary>
    public void Start()
    {
        lock (sync) isRunning = true;
        if (processors.Length > 0) Started.Register(Functions());
    }

    /// <summary>Hands the processors over, and ends.</summary>
    /// <param name="deadline">The most time that this may take; null for no limit.</param>
    /// <param name="cancellation">Ends the wait as if the deadline had passed.</param>
    public async Task StopAsync(TimeSpan? deadline, CancellationToken cancellation)
    {
        if (End() is not { } ending) return;
        IReadOnlyList<string> left = await ending.StopAsync(deadline, cancellation).ConfigureAwait(false);
        if (left.Count > 0) HostLog.HandedOverTooLate(log, string.Join(", ", left));
    }

    public async ValueTask DisposeAsync()
    {
        if (End() is { } ending) await ending.DisposeAsync().ConfigureAwait(false);
    }

    public Task<FlowRun> StartAsync(Flow flow, IEnumerable<IOVal> inputs, bool allOutputs = false, string? run = null,
        bool keepOutputs = false, CancellationToken cancellation = default)
        => Started.StartAsync(flow, inputs, allOutputs, run, keepOutputs, cancellation);

    public Task<FlowRun?> FindAsync(string run, CancellationToken cancellation = default) => Started.FindAsync(run, cancellation);

    public IAsyncEnumerable<FlowRunInfo> ListAsync(CancellationToken cancellation = default) => Started.ListAsync(cancellation);

    public Task<bool> CancelAsync(string run, string reason = "", CancellationToken cancellation = default)
        => Started.CancelAsync(run, reason, cancellation);

    public Task<bool> DeleteAsync(string run, CancellationToken cancellation = default) => Started.DeleteAsync(run, cancellation);

    private Supervisor? End()
    {
        lock (sync)
        {
            isRunning = false;
            (Supervisor? ending, supervisor) = (supervisor, null);
            return ending;
        }
    }

    private SupervisorOptions Configured()
    {
        SupervisorOptions given = settings.Supervisor;
        return given with
        {
            Services = given.Services ?? new ContainerServices(container),
            OnWarning = given.OnWarning ?? (text => HostLog.Warned(log, text)),
            OnDetails = given.OnDetails ?? (text => HostLog.Detailed(log, text)),
        };
    }

    private ProcessorFunctions Functions()
    {
        var functions = new ProcessorFunctions();
        foreach (ProcessorRegistration processor in processors) processor.AddTo(functions);
        return functions;
    }
}
