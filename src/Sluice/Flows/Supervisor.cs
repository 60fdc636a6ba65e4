using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// A service's part in flows: hosts the processors whose functions it has, and starts flows. Programs with a container use <c>AddSluice</c> of <c>Sluice.Hosting</c> instead.
/// </summary>
/// <remarks>Thread-safe. Disposing it hands over what it hosts; the store stays open.</remarks>
/// <example><code>
/// await using var supervisor = Supervisor.Attach(new MemoryStreamStore());
/// supervisor.Register(new Processor("hello") { Outputs = ["greeting"] }, () => Task.FromResult("hello"));
/// </code></example>
public sealed class Supervisor : ISupervisor, IAsyncDisposable
{
    private static readonly List<Supervisor> Attached = [];       // also guards itself

    private readonly SupervisorCore core;
    private readonly IStreamStore store;             // as it was given: to find another supervisor on it
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

    /// <summary>The supervisor that was attached last and not disposed.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static Supervisor Instance
    {
        get
        {
            lock (Attached)
                return Attached.LastOrDefault() ?? throw new InvalidOperationException("This program has no supervisor: call Supervisor.Attach(store) first, and keep what it returns until the end.");
        }
    }

    /// <summary>This service's name among all that use the store.</summary>
    public string Name => core.Options.Name;

    /// <summary>What is not hosted here any more although it was registered, and why, for people; null if nothing. For a health check.</summary>
    public string? Problem => core.Problem;

    /// <summary>Makes a supervisor on a store, which becomes the <see cref="Instance"/>.</summary>
    /// <param name="store">The store, shared with all services of the flows; not disposed with the supervisor.</param>
    /// <param name="options">How this service takes part.</param>
    /// <exception cref="InvalidOperationException">
    /// This process was started to execute functions for another one (<see cref="SupervisorOptions.Executor"/>), and its program has not asked for that; or a supervisor of the same name is attached to the store.
    /// </exception>
    public static Supervisor Attach(IStreamStore store, SupervisorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ExecutorEnvironment.ThrowIfWaiting();
        options ??= new();
        lock (Attached)
        {
            if (Attached.Exists(other => ReferenceEquals(other.store, store) && other.Name == options.Name))
                throw new InvalidOperationException($"A supervisor named {options.Name} is attached to this store already. Two of one name would take each other's work: dispose the first, or give each a name of its own (SupervisorOptions.Name).");
            var attached = new Supervisor(store, options);
            Attached.Add(attached);
            return attached;
        }
    }

    /// <summary>This service hosts a processor from now on. A processor of the same name is replaced for what starts later, with a warning.</summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">What it does.</param>
    /// <exception cref="ObjectDisposedException">The supervisor is.</exception>
    public void Register(Processor processor, ProcessorFunction function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        Host(BoundFunction.Of(processor, function));
    }

    /// <summary>
    /// This service hosts a processor from now on, with a function whose parameters are bound by name and type: inputs (<see cref="IO{T}"/>), outputs (<see cref="IOWriter{T}"/>), services, <see cref="CancellationToken"/>,
    /// <see cref="TimeProvider"/>, <see cref="Checkpoint{TState}"/>, <see cref="ProcessorContext"/>, defaults. A processor of the same name is replaced for what starts later, with a warning.
    /// </summary>
    /// <param name="processor">The processor.</param>
    /// <param name="function">Returns an <see cref="IAsyncEnumerable{T}"/> of <see cref="IOVal"/>, a <see cref="Task"/>, or a <see cref="Task{TResult}"/> with the value of a single output.</param>
    /// <exception cref="ArgumentException">A parameter or the result is nothing that can be bound; names it.</exception>
    /// <exception cref="ObjectDisposedException">The supervisor is.</exception>
    [RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
    [RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
    public void Register(Processor processor, Delegate function)
    {
        ArgumentNullException.ThrowIfNull(processor);
        ArgumentNullException.ThrowIfNull(function);
        Host(BoundFunction.Of(processor, function, core.Services));
    }

    /// <summary>This service hosts all these processors from now on; as if they were registered one after the other.</summary>
    /// <param name="functions">The processors, and what they do.</param>
    /// <exception cref="ArgumentException">A parameter or the result of a function is nothing that can be bound; names it. None of them is hosted.</exception>
    /// <exception cref="ObjectDisposedException">The supervisor is.</exception>
    public void Register(ProcessorFunctions functions)
    {
        ArgumentNullException.ThrowIfNull(functions);
        foreach (BoundFunction function in functions.Bind(core.Services)) Host(function);
    }

    /// <inheritdoc/>
    public async Task<FlowRun> StartAsync(Flow flow, IEnumerable<IOVal> inputs, bool allOutputs = false, string? run = null, bool keepOutputs = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentNullException.ThrowIfNull(inputs);
        ThrowIfStopped();
        IOVal[] given = [.. inputs];
        string[] results = allOutputs ? [.. flow.Processors.SelectMany(processor => processor.Outputs)] : [.. flow.Plan.Results];
        CheckInputs(flow, given);
        cancellation.ThrowIfCancellationRequested();
        if (run is not null) FlowNames.CheckRun(run, nameof(run));
        Dictionary<string, string> types = FlowTypes.Of(flow, given, Find);
        var start = new FlowStart(core, flow, given, new(results, keepOutputs, MayBeRepeated: run is not null), types, run ?? Guid.CreateVersion7().ToString("N"));
        return await core.AskAsync(async () =>
        {
            var (plan, feeds, isNew) = await start.StartAsync(cancellation).ConfigureAwait(false);
            RunWatch watch = await RunWatch.OpenAsync(core.Calls, plan.Run, cancellation).ConfigureAwait(false) ?? throw new FlowException($"The run {plan.Run} was deleted while it was started.");
            var started = new FlowRun(core, watch, isStarter: plan.Starter == Name, isOwner: isNew);
            started.Feed(feeds);
            return started;
        }, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<FlowRun?> FindAsync(string run, CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        ThrowIfStopped();
        RunWatch? watch = await OpenAsync(run, cancellation).ConfigureAwait(false);
        return watch is null ? null : new(core, watch, isStarter: watch.Plan.Starter == Name, isOwner: false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FlowStatus> ListAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ThrowIfStopped();
        IAsyncEnumerator<FlowStatus> runs = FlowReports.ListAsync(core.Calls, cancellation).GetAsyncEnumerator(cancellation);
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
        await using (watch.ConfigureAwait(false)) await core.AskAsync(() => FlowReports.CancelAsync(core, watch.Plan, reason, cancellation), cancellation).ConfigureAwait(false);
        return true;
    }

    /// <inheritdoc/>
    public async Task<bool> DeleteAsync(string run, CancellationToken cancellation = default)
    {
        FlowNames.CheckRun(run, nameof(run));
        ThrowIfStopped();
        return await core.AskAsync(() => DeleteNowAsync(run, cancellation), cancellation).ConfigureAwait(false);
    }

    /// <summary>Takes on nothing more, and hands over what it hosts: functions are cancelled, and go on elsewhere. Ends when they have stopped; the store has <see cref="SupervisorOptions.LeaseDuration"/> to answer.</summary>
    public async ValueTask DisposeAsync()
    {
        await Ending(core.Options.LeaseDuration).ConfigureAwait(false);
    }

    /// <summary>Takes on nothing more, and hands over what it hosts, as <see cref="DisposeAsync"/> does, in a time that holds whatever the store and the functions do. What is left behind ends by itself, or others take it over when this service has been silent for the lease time.</summary>
    /// <param name="deadline">How long that may take; more than zero, 49 days at most. The store has nine tenths of it to answer.</param>
    /// <returns>The processors of which something is left behind, as a warning says, too; empty if none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is not in its range.</exception>
    public async Task<IReadOnlyList<string>> StopAsync(TimeSpan deadline)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(deadline, TimeSpan.Zero);
        Waits.Check(deadline, nameof(deadline));
        Task stopping = Ending(deadline * 0.9);
        core.BeginToEnd(deadline * 0.9);             // also where a stop is under way
        try
        {
            await stopping.WaitAsync(deadline, core.Options.Time).ConfigureAwait(false);
            return [];
        }
        catch (TimeoutException) when (!stopping.IsCompleted)
        {
            string[] left;
            lock (sync) left = [.. hosted.Values.Where(static group => !group.HasStopped).Select(static group => group.Function.Processor.Name).Order(StringComparer.Ordinal)];
            core.Warn($"{Name} was to stop within {deadline}, and not everything was handed over in that time: {(left.Length > 0 ? string.Join(", ", left) : "its inputs")}. A function does not heed its CancellationToken. Others take over when this service has been silent for the lease time.");
            return left;
        }
    }

    private Task Ending(TimeSpan limit)
    {
        lock (sync)
        {
            isStopped = true;
            return ending ??= EndAsync([.. hosted.Values], limit);
        }
    }

    private async Task EndAsync(WorkGroup[] groups, TimeSpan limit)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // out of the lock
        lock (Attached) Attached.Remove(this);
        core.BeginToEnd(limit);
        try
        {
            await Task.WhenAll(groups.Select(group => group.StopAsync())).ConfigureAwait(false);
        }
        finally
        {
            await core.EndAsync().ConfigureAwait(false);
            await core.FedAsync().ConfigureAwait(false);
            await sweeper.StopAsync().ConfigureAwait(false);
            if (core.Executor is IAsyncDisposable executor) await executor.DisposeAsync().ConfigureAwait(false);
            core.Dispose();
        }
    }

    /// <summary>As if the process had died: nothing is handed over, nothing is committed any more. For tests.</summary>
    internal async Task AbandonAsync()
    {
        WorkGroup[] groups;
        lock (sync) (isStopped, ending, groups) = (true, Task.CompletedTask, [.. hosted.Values]);
        lock (Attached) Attached.Remove(this);
        await core.AbandonAsync().ConfigureAwait(false);
        await Task.WhenAll(groups.Select(group => group.AbandonAsync())).ConfigureAwait(false);
        if (core.Executor is IAsyncDisposable executor) await executor.DisposeAsync().ConfigureAwait(false);
    }

    private void ThrowIfStopped()
    {
        lock (sync) ObjectDisposedException.ThrowIf(isStopped, this);
    }

    private async Task<bool> DeleteNowAsync(string run, CancellationToken cancellation)
    {
        if (await FlowReports.StatusAsync(core.Calls, run, cancellation).ConfigureAwait(false) is not { } status) return await FlowReports.DeleteAsync(core.Store, run, cancellation).ConfigureAwait(false);
        if (status.EndedAt is null && status.State != FlowState.Cancelled) throw new InvalidOperationException($"The run {run} has not ended: cancel it first, then delete it.");
        if (await FlowReports.FindBusyAsync(core.Store, status, cancellation).ConfigureAwait(false) is { } busy)
            throw new InvalidOperationException($"The run {run} is over, but {busy.Name} has not ended yet on {busy.Host ?? "any host"}. Delete the run when it has.");
        await FlowReports.DeleteAsync(core.Store, run, cancellation).ConfigureAwait(false);
        return true;
    }

    private Task<RunWatch?> OpenAsync(string run, CancellationToken cancellation) => core.AskAsync(() => RunWatch.OpenAsync(core.Calls, run, cancellation), cancellation);

    private BoundFunction? Find(string processor)
    {
        lock (sync) return hosted.GetValueOrDefault(processor)?.Function;
    }

    private void Host(BoundFunction function)
    {
        WorkGroup group;
        lock (sync)
        {
            ObjectDisposedException.ThrowIf(isStopped, this);
            if (hosted.TryGetValue(function.Processor.Name, out WorkGroup? known))
            {
                known.Function = function;
                core.Warn($"The processor {function.Processor.Name} was registered before; what is started from now on is run by the function that was registered last.");
                return;
            }
            group = new(core, function);
            hosted.Add(function.Processor.Name, group);
        }
        group.Start();
    }

    private static void CheckInputs(Flow flow, IOVal[] inputs)
    {
        if (Array.IndexOf(inputs, null) >= 0) throw new ArgumentException("One of the inputs is null.", nameof(inputs));
        string[] missing = [.. flow.Plan.FloatingInputs.Except(inputs.Select(value => value.Name))];
        if (missing.Length > 0)
            throw new ArgumentException($"The flow needs values for {string.Join(", ", missing)}: no processor of it writes {(missing.Length == 1 ? "this stream" : "these streams")}. Give IOVal.Of(\"{missing[0]}\", …) when it is started.", nameof(inputs));
        if (Array.Find(inputs, value => !flow.Plan.FloatingInputs.Contains(value.Name)) is not { } odd) return;
        Processor? writer = flow.Processors.FirstOrDefault(processor => processor.Outputs.Contains(odd.Name));
        throw new ArgumentException(writer is not null ? $"The flow was given {odd.Name}, which its processor {writer.Name} writes: a stream has one writer."
            : NearNames.Explain("input to be given", odd.Name, [.. flow.Plan.FloatingInputs]), nameof(inputs));
    }
}
