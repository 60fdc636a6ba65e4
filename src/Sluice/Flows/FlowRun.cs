using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Shared;
using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>A handle to one run of a flow, in the service that has started the run or has found it by its id.</summary>
/// <remarks>Thread-safe. Disposing the handle releases the results; the run goes on.</remarks>
public sealed class FlowRun : IAsyncDisposable
{
    private readonly SupervisorCore core;
    private readonly RunWatch watch;
    private readonly Dictionary<string, InputPort> ports = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource life;
    private readonly Task feed;
    private readonly Lazy<Task> completion;
    private readonly Task following;
    private readonly Task hosts = Task.CompletedTask;
    private readonly Task keeping = Task.CompletedTask;
    private readonly Task ending = Task.CompletedTask;
    private readonly ConcurrentDictionary<string, bool> readHere = new(StringComparer.Ordinal);
    private readonly bool isOwner;
    private readonly OneDisposal disposal = new();

    /// <param name="core">The service.</param>
    /// <param name="watch">The journal of the run.</param>
    /// <param name="isStarter">Whether this service has started the run, and can read its results.</param>
    /// <param name="isOwner">Whether this handle comes from the start.</param>
    /// <param name="life">Cancelled, and disposed, when the handle is disposed.</param>
    /// <param name="feed">Puts in inputs of the run until the life ends.</param>
    internal FlowRun(SupervisorCore core, RunWatch watch, bool isStarter, bool isOwner, CancellationTokenSource life, Task feed)
    {
        (this.core, this.watch, this.isOwner, this.life, this.feed) = (core, watch, isOwner, life, feed);
        completion = new(CompleteAsync);
        watch.Follow();
        following = FollowAsync();
        if (!isStarter) return;
        hosts = MissingHostWarning.WatchAsync(core, watch, life.Token);
        string keeper = ReaderNames.OfResult(core.Options.Name);
        foreach (string result in watch.Plan.Results)
        {
            var port = new PortPlan(Id, result, keeper, ReaderNames.Gate(keeper), From: 1)
            {
                Writer = watch.Plan.WriterOf(result),
                GateExpiry = core.Options.ReaderTimeout,
                KeeperExpiry = core.Options.ResultRetentionDuration,
                MovesKeeper = true,
                IsRejoined = !isOwner
                    && watch.Plan.Stream(result).Retention != Retention.All
            };
            ports.Add(result, new(core.Calls, port, boundary: null));
        }
        keeping = ResultRetention.KeepAsync(core, watch, ports.Values, life.Token);
        ending = UnfinishedCancellation.FinishAsync(core, watch, life.Token);
    }

    /// <summary>The id of the run.</summary>
    public string Id => watch.Run;

    /// <summary>The names of the outputs that this service can read.</summary>
    public IReadOnlyCollection<string> Outputs => ports.Keys;

    /// <summary>Completes when all processors have completed, whether or not the results were read.</summary>
    /// <exception cref="FlowException">A processor has failed (the message has the first failure), or the run was cancelled or
    /// deleted.</exception>
    /// <exception cref="NondeterministicReplayException">A processor that was started again has put out other values than
    /// before.</exception>
    /// <exception cref="StoreRolledBackException">The store has lost writes, perhaps the run as well.</exception>
    /// <exception cref="ObjectDisposedException">This handle was disposed before the run had ended.</exception>
    /// <exception cref="InvalidOperationException">The function of a processor awaits its own run.</exception>
    /// <remarks>
    /// If the function of a processor gets this property, it gives up its execution slot (<see cref="SupervisorOptions.MaxConcurrency"/>)
    /// until the run has ended: the run may need it. So await the task where you get it.
    /// </remarks>
    public Task Completion
    {
        get
        {
            CallingFunction.CheckWait(Id);
            return ExecutionSlot.Current is { } slot ? slot.WaitForRunAsync(completion.Value) : completion.Value;
        }
    }

    /// <summary>Refused: <c>await run</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete("SLU023: a run goes on by itself. Write 'await run.Completion' to wait for its end, or 'await "
        + "run.Output<T>(name).FirstAsync()' for a result.", error: true)]
    public TaskAwaiter GetAwaiter() => throw new NotSupportedException();

    /// <summary>Opens an output, to be read while the run writes it.</summary>
    /// <remarks>
    /// A value leaves the store once it was read, so read an output once, from its first value.
    /// With <see cref="Retention.All"/>, or if the run was started with <c>keepOutputs: true</c>, an output can be read again.
    /// The writer waits for a loop that reads, not before its first read and not after its end. A loop that does not go on for longer than
    /// <see cref="SupervisorOptions.ReaderTimeout"/> no longer holds up the writer. A processor cannot read its own output.
    /// </remarks>
    /// <typeparam name="T">The type of the values.</typeparam>
    /// <param name="name">The name of the stream.</param>
    /// <exception cref="ArgumentException">The stream is not among the <see cref="Outputs"/>, or has values of another type.</exception>
    /// <exception cref="ObjectDisposedException">This handle was disposed; reads that are in progress throw it, too.</exception>
    public IO<T> Output<T>(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (disposal.HasBegun)
            throw new ObjectDisposedException(nameof(FlowRun), $"This handle of the run {Id} was disposed. Read outputs before that.");
        if (!ports.TryGetValue(name, out InputPort? port))
            throw new ArgumentException(Explain(name), nameof(name));
        if (watch.Plan.Stream(name).Type is { } type && type != TypeNames.ToStore(typeof(T)))
            throw new ArgumentException($"The stream {name} of the run {Id} has values of the type {type}, not {TypeNames.Of(typeof(T))}.",
                nameof(name));
        readHere[name] = true;
        return new(port, core.Options.Serializers.In(FlowNames.Values(Id, name)));
    }

    /// <summary>
    /// Reads the state of the run, its processors and streams, and which processors have no host. Costs one query per stream and per
    /// processor that has not ended.
    /// </summary>
    /// <exception cref="FlowException">The run was deleted.</exception>
    public async Task<FlowRunInfo> GetStatusAsync(CancellationToken cancellation = default)
        => await core.AskAsync(() => FlowReports.StatusWithHostsAsync(core.Calls, core.Hosts, Id, cancellation), cancellation)
            .ConfigureAwait(false)
            ?? throw new FlowException($"The run {Id} is not in the store any more: it was deleted, or the store was emptied. "
                + "Start the flow again if its results are wanted.")
            {
                Run =
            Id
            };

    /// <summary>Cancels the run: all its streams fail, and its processors stop in every service.</summary>
    /// <param name="reason">The reason, which the errors of streams and processors repeat.</param>
    /// <param name="cancellation">Stops waiting; the run may or may not be cancelled then.</param>
    public Task CancelAsync(string reason = "", CancellationToken cancellation = default)
        => reason is null ? throw new ArgumentNullException(nameof(reason))
        : core.AskAsync(() => FlowReports.CancelAsync(core, watch.Plan, reason, cancellation), cancellation);

    /// <summary>Releases the results, which are no longer kept for this service. Inputs that this service still puts in fail.</summary>
    /// <remarks>
    /// If the store does not answer within <see cref="SupervisorOptions.LeaseDuration"/>, the results stay until they expire.
    /// </remarks>
    public ValueTask DisposeAsync() => disposal.RunAsync(CloseAsync);

    private async Task CloseAsync()
    {
        await life.CancelAsync().ConfigureAwait(false);
        using var timeout = new CancellationTokenSource(core.Options.LeaseDuration, core.Options.Time);
        // Readers of these inputs notice this service's silence without being told.
        await feed.WaitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await keeping.WaitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);          // it opens readers
        // A handle that was only found leaves unread results to the starter, or to a later handle.
        foreach (InputPort port in ports.Values.Where(port => isOwner || readHere.ContainsKey(port.Name)))
        {
            try
            {
                await port.CloseAsync(timeout.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
            {
                core.Warn($"The results of the run {Id} are kept until they expire: {e.Message}");
            }
        }
        await watch.DisposeAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
        await hosts.ConfigureAwait(false);
        await ending.ConfigureAwait(false);
        life.Dispose();
    }

    private string Explain(string name)
    {
        if (!Array.Exists(watch.Plan.Streams, stream => stream.Name == name)) return NearNames.Explain("output", name, watch.Plan.Results);
        if (watch.Plan.Results.Contains(name))
            return $"The stream {name} of the run {Id} is read by the service that has started the run, {watch.Plan.Starter}; this one "
                + $"is {core.Options.Name}. Read it there, or in a service with that name (SupervisorOptions.Name).";
        return $"The stream {name} of the run {Id} is read by its processors only: start the flow with allOutputs: true to read it "
            + $"here ({string.Join(", ", watch.Plan.Results)} can be read).";
    }

    /// <summary>
    /// Ends when the run has ended or the handle is disposed. Renews the store's generation if the store has lost writes. Never throws.
    /// </summary>
    private async Task FollowAsync()
    {
        await watch.Over.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (watch.Over.Exception?.InnerException is StoreRolledBackException)
            await core.RenewAsync(watch.Generation, life.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task CompleteAsync()
    {
        await following.ConfigureAwait(false);
        if (watch.Over.IsCanceled) throw new ObjectDisposedException(nameof(FlowRun),
            $"Nobody follows the run {Id} here any more, because this FlowRun was disposed before the run had ended; the run itself goes "
                + $"on. Await Completion before it is disposed, or find the run again (FindAsync).");
        await watch.Over.ConfigureAwait(false);
        if (watch.IsCancelled) throw new FlowException($"The run {Id} was cancelled: {watch.CancelReason}")
        {
            Run = Id,
            IsCancelled = true
        };
        RunEvent[] failed = [.. watch.Events.Select(one => one.Event).Where(happened => happened.Kind == RunEventKind.Failed)];
        if (failed.Length == 0) return;
        RunEvent first = Array.Find(failed, one => one.Origin == one.Processor) ?? failed[0];
        throw StreamFailures.Make($"The run {Id} has failed: the processor {first.Origin ?? first.Processor} has: {first.Error}", Id,
            first.Origin ?? first.Processor, first.IsDifference);
    }
}
