using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>
/// A service's part in flows: hosts processors, starts runs. With a container, use <c>AddSluice</c> of <c>Sluice.Hosting</c>.
/// </summary>
/// <remarks>Thread-safe. Disposing it hands its processors over to other services; the store stays open.</remarks>
/// <example><code>
/// await using var supervisor = Supervisor.Attach(new MemoryStreamStore());
/// supervisor.Register(new Processor("hello") { Outputs = ["greeting"] }, () => Task.FromResult("hello"));
/// </code></example>
public sealed partial class Supervisor : ISupervisor, IAsyncDisposable
{
    private static readonly List<Supervisor> Attached = [];       // the list is also the lock

    // How long a deletion waits for functions of a run that is over.
    private static readonly TimeSpan EndOfWork = TimeSpan.FromSeconds(10);

    private readonly SupervisorCore core;
    private readonly IStreamStore store;             // as given: identifies other supervisors on it
    private readonly Lock sync = new();
    private readonly Dictionary<string, WorkGroup> hosted = new(StringComparer.Ordinal);
    private readonly RunSweeper sweeper;
    private bool isStopped;
    private Task? ending;

    private Supervisor(IStreamStore store, SupervisorOptions options)
    {
        this.store = store;
        core = new(store, options);
        sweeper = new(core);
        sweeper.Start();
    }

    /// <summary>The last supervisor that was attached and is not disposed.</summary>
    /// <exception cref="InvalidOperationException">This process has no supervisor.</exception>
    public static Supervisor Instance
    {
        get
        {
            lock (Attached)
                return Attached.LastOrDefault() ?? throw new InvalidOperationException(
                    "This program has no supervisor: call Supervisor.Attach(store) first, and keep what it returns until the end.");
        }
    }

    /// <summary>The name of this service, unique among the services on the store.</summary>
    public string Name => core.Options.Name;

    /// <summary>Which registered processors are not hosted here, for good or until the next try, and why, for a health check; null if all
    /// are hosted.</summary>
    public string? Problem
    {
        get
        {
            string[] problems;
            lock (sync) problems = [.. hosted.Values.Select(static group => group.Problem).OfType<string>()];
            return problems.Length == 0 ? null : string.Join(' ', problems);
        }
    }

    /// <summary>Attaches a supervisor to a store. It becomes the <see cref="Instance"/>.</summary>
    /// <param name="store">The store, shared by all services of the flows. The supervisor does not dispose it.</param>
    /// <param name="options">The options of this service.</param>
    /// <exception cref="InvalidOperationException">The name is in use on the store, or this executor's child is no worker.</exception>
    public static Supervisor Attach(IStreamStore store, SupervisorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ExecutorEnvironment.ThrowIfWaiting();
        options ??= new();
        Supervisor attached;
        lock (Attached)
        {
            if (Attached.Exists(other => ReferenceEquals(other.store, store) && other.Name == options.Name))
                throw new InvalidOperationException(
                    $"A supervisor named {options.Name} is attached to this store already. Two of one name would take each other's work: "
                        + $"dispose the first, or give each a name of its own (SupervisorOptions.Name).");
            attached = new(store, options);
            Attached.Add(attached);
        }
        if (store.Loss is { } loss)                  // noticed when the store was opened
            attached.core.Warn($"The service {options.Name}: {loss} Runs go on with what the store has. Start lost runs again, and see that "
                + "the store keeps what it acknowledges.");
        return attached;
    }

    /// <summary>
    /// Hosts a processor in this service. Registering a name again replaces the function of later starts, with a warning. The function does
    /// not get the caller's <see cref="AsyncLocal{T}"/> values.
    /// </summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">Its function.</param>
    /// <exception cref="ObjectDisposedException">The supervisor is disposed.</exception>
    public void Register(Processor processor, ProcessorFunction function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        Host(BoundFunction.Of(processor, function));
    }

    /// <summary>Hosts a processor in this service, with a function whose parameters are bound by name and type.</summary>
    /// <remarks>
    /// Parameters are inputs (<see cref="IO{T}"/>), outputs (<see cref="IOWriter{T}"/>), services, <see cref="CancellationToken"/>,
    /// <see cref="TimeProvider"/>, <see cref="Checkpoint{TState}"/>, <see cref="ProcessorContext"/>, or have a default.
    /// Registering a name again replaces the function of later starts, with a warning.
    /// </remarks>
    /// <param name="processor">The processor.</param>
    /// <param name="function">Returns an <see cref="IAsyncEnumerable{T}"/> of <see cref="IOVal"/>, a task, or a task of a single output's
    /// value.</param>
    /// <exception cref="ArgumentException">A parameter or the result cannot be bound, or has values that cannot be stored; the message
    /// names it.</exception>
    /// <exception cref="ObjectDisposedException">The supervisor is disposed.</exception>
    [RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
    [RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
    public void Register(Processor processor, Delegate function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        Host(BoundFunction.Of(processor, function, core.Options));
    }

    /// <summary>
    /// Hosts a processor in this service, whose function is only where an executor of its own runs it: in another program, or in another
    /// language (<see cref="Executor.Python"/>).
    /// </summary>
    /// <remarks>
    /// Processors of one flow can have different executors; the others have <see cref="SupervisorOptions.Executor"/>. Registering a name
    /// again replaces the executor of later starts, with a warning. The types of its streams are checked where its function is.
    /// </remarks>
    /// <param name="processor">The processor.</param>
    /// <param name="executor">Its executor. Several processors of this supervisor can have one; if it is <see cref="IAsyncDisposable"/>, it
    /// is disposed with the supervisor, once, also after it was replaced.</param>
    /// <exception cref="ObjectDisposedException">The supervisor is disposed; the executor is not.</exception>
    public void Register(Processor processor, IExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(executor);
        Host(BoundFunction.Of(processor, executor));
    }

    /// <summary>Hosts several processors in this service, as if each were registered in turn.</summary>
    /// <param name="functions">The processors and their functions.</param>
    /// <exception cref="ArgumentException">A parameter or result cannot be bound, or has values that cannot be stored; the message names
    /// it. No processor is hosted.</exception>
    /// <exception cref="ObjectDisposedException">The supervisor is disposed.</exception>
    public void Register(ProcessorFunctions functions)
    {
        ArgumentNullException.ThrowIfNull(functions);
        foreach (BoundFunction function in functions.Bind(core.Options)) Host(function);
    }

    /// <inheritdoc/>
    public async Task<FlowRun> StartAsync(Flow flow, IEnumerable<IOVal> inputs, bool allOutputs = false, string? run = null,
        bool keepOutputs = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentNullException.ThrowIfNull(inputs);
        ThrowIfStopped();
        IOVal[] given = [.. inputs];
        string[] results = allOutputs ? [.. flow.Processors.SelectMany(processor => processor.Outputs)] : [.. flow.Plan.Results];
        CheckInputs(flow, given);
        cancellation.ThrowIfCancellationRequested();
        if (run is not null) FlowNames.CheckRun(run, nameof(run));
        Dictionary<string, FlowType> types = FlowTypes.Of(flow, given, Find, core.Options.Serializers);
        var start = new FlowStart(core, flow, given, new(results, keepOutputs, MayBeRepeated: run is not null), types, run
            ?? Guid.CreateVersion7().ToString("N"));
        return await core.AskAsync(async () =>
        {
            var life = new CancellationTokenSource();            // of the handle
            StartedRun started = await start.StartAsync(life.Token, cancellation).ConfigureAwait(false);
            RunPlan plan = started.Plan;
            RunWatch watch = await RunWatch.OpenAsync(core.Calls, plan.Run, cancellation).ConfigureAwait(false)
                ?? throw new FlowException($"The run {plan.Run} was deleted while it was started.");
            return new FlowRun(core, watch, isStarter: plan.Starter == Name, isOwner: started.IsNew, life, started.Feed);
        }, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<FlowRun?> FindAsync(string run, CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        ThrowIfStopped();
        RunWatch? watch = await OpenAsync(run, cancellation).ConfigureAwait(false);
        return watch is null ? null : new(core, watch, isStarter: watch.Plan.Starter == Name, isOwner: false, new(), Task.CompletedTask);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FlowRunInfo> ListAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ThrowIfStopped();
        IAsyncEnumerator<FlowRunInfo> runs = FlowReports.ListAsync(core.Calls, cancellation).GetAsyncEnumerator(cancellation);
        await using (runs.ConfigureAwait(false))
            while (await core.AskAsync(() => runs.MoveNextAsync().AsTask(), cancellation).ConfigureAwait(false)) yield return runs.Current;
    }

    /// <inheritdoc/>
    public async Task<bool> CancelAsync(string run, string reason = "", CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        ArgumentNullException.ThrowIfNull(reason);
        ThrowIfStopped();
        RunWatch? watch = await OpenAsync(run, cancellation).ConfigureAwait(false);
        if (watch is null) return false;
        await using (watch.ConfigureAwait(false)) await core.AskAsync(() => FlowReports.CancelAsync(core, watch.Plan, reason, cancellation),
            cancellation).ConfigureAwait(false);
        return true;
    }

    /// <inheritdoc/>
    public async Task<bool> DeleteAsync(string run, CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        ThrowIfStopped();
        return await core.AskAsync(() => DeleteNowAsync(run, cancellation), cancellation).ConfigureAwait(false);
    }

    private void ThrowIfStopped()
    {
        lock (sync) Check();
    }

    // Called under the lock.
    private void Check()
    {
        if (isStopped) throw new ObjectDisposedException(nameof(Supervisor), $"The supervisor {Name} was stopped. Attach another one.");
    }

    private async Task<bool> DeleteNowAsync(string run, CancellationToken cancellation)
    {
        if (await FlowReports.StatusAsync(core.Calls, run, cancellation).ConfigureAwait(false) is not { } status)
            return await FlowReports.DeleteAsync(core.Store, run, cancellation).ConfigureAwait(false);
        if (status.EndedAt is null && status.Status != FlowStatus.Cancelled)
            throw new InvalidOperationException($"The run {run} has not ended: cancel it first, then delete it.");
        using var limit = new CancellationTokenSource(EndOfWork, core.Options.Time);
        if (await FlowReports.WaitForWorkAsync(core, status, limit.Token, cancellation).ConfigureAwait(false) is { } busy)
            throw new InvalidOperationException(
                $"The run {run} is over, but {busy.Name} has not ended yet on {busy.Host ?? "any host"}. Delete the run when it has, or, "
                    + $"if that service is gone, when it has been silent for {core.Options.LeaseDuration.TotalSeconds:0.###} s.");
        await FlowReports.DeleteAsync(core.Store, run, cancellation).ConfigureAwait(false);
        return true;
    }

    private Task<RunWatch?> OpenAsync(string run, CancellationToken cancellation)
        => core.AskAsync(() => RunWatch.OpenAsync(core.Calls, run, cancellation), cancellation);

    private BoundFunction? Find(string processor)
    {
        lock (sync) return hosted.GetValueOrDefault(processor)?.Function;
    }

    private void Host(BoundFunction function)
    {
        WorkGroup? added = null;
        lock (sync)
        {
            Check();
            if (function.Executor is { } own) core.Own(own);
            if (hosted.TryGetValue(function.Processor.Name, out WorkGroup? known)) known.Function = function;
            else hosted.Add(function.Processor.Name, added = new(core, function));
        }
        if (added is not null) added.Start();
        else
            core.Warn($"The processor {function.Processor.Name} was registered before; what is started from now on is run by the function "
                + "that was registered last.");
    }

    /// <summary>The misspelt name behind a missing value, if there seems to be one: of a value that was given, or of a stream.</summary>
    private static string PerhapsMeant(Flow flow, string missing, IOVal[] inputs)
    {
        string[] odd = [.. inputs.Select(value => value.Name).Except(flow.Plan.FloatingInputs).Take(5)];
        if (odd.Length > 0) return $" Given, but not taken by the flow: {string.Join(", ", odd)}.";
        if (missing.Length < 3) return "";               // of names that short, all are near
        return NearNames.Of(missing, flow.Processors.SelectMany(static processor => processor.Outputs)) is [var near, ..]
            ? $" Near it: {near}, which the processor {flow.Processors.First(one => one.Outputs.Contains(near)).Name} writes." : "";
    }

    private static void CheckInputs(Flow flow, IOVal[] inputs)
    {
        if (Array.IndexOf(inputs, null) >= 0) throw new ArgumentException("One of the inputs is null.", nameof(inputs));
        string[] missing = [.. flow.Plan.FloatingInputs.Except(inputs.Select(value => value.Name))];
        if (missing.Length > 0)
            throw new ArgumentException(
                $"The flow needs values for {string.Join(", ", missing)}: no processor of it "
                    + $"writes {(missing.Length == 1 ? "this stream" : "these streams")}. Give IOVal.Of(\"{missing[0]}\", …) when it is "
                    + $"started.{PerhapsMeant(flow, missing[0], inputs)}", nameof(inputs));
        if (Array.Find(inputs, value => !flow.Plan.FloatingInputs.Contains(value.Name)) is not { } odd) return;
        Processor? writer = flow.Processors.FirstOrDefault(processor => processor.Outputs.Contains(odd.Name));
        throw new ArgumentException(writer is not null
            ? $"The flow was given {odd.Name}, which its processor {writer.Name} writes: a stream has one writer."
            : NearNames.Explain("input to be given", odd.Name, [.. flow.Plan.FloatingInputs]), nameof(inputs));
    }
}
