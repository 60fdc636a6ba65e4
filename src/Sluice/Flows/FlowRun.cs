using System.Collections.Concurrent;

namespace Sluice;

/// <summary>A run of a flow, as seen by a service: one that has started it, or has found it by its id.</summary>
/// <remarks>Thread-safe. Disposing it lets go of the results, and of nothing else: the run goes on.</remarks>
public sealed class FlowRun : IAsyncDisposable
{
    private readonly SupervisorCore core;
    private readonly RunWatch watch;
    private readonly Dictionary<string, InputPort> ports = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource feeding = new();
    private readonly List<Task> feeds = [];
    private readonly Lazy<Task> completion;
    private readonly Task following;
    private readonly ConcurrentDictionary<string, bool> readHere = new(StringComparer.Ordinal);
    private readonly bool isOwner;
    private int isDisposed;

    internal FlowRun(SupervisorCore core, RunWatch watch, bool isStarter, bool isOwner)
    {
        (this.core, this.watch, this.isOwner) = (core, watch, isOwner);
        completion = new(CompleteAsync);
        watch.Follow();
        following = FollowAsync();
        if (!isStarter) return;
        string keeper = ReaderNames.OfResult(core.Options.Name);
        foreach (string result in watch.Plan.Results)
        {
            var port = new PortPlan(Id, result, keeper, ReaderNames.Gate(keeper), From: 1) { GateExpiry = core.Options.ReaderTimeout, KeeperExpiry = core.Options.ResultRetentionDuration, MovesKeeper = true, IsRejoined = !isOwner && watch.Plan.Stream(result).Retention != Retention.All };
            ports.Add(result, new(core.Calls, port, boundary: null));
        }
    }

    /// <summary>The run's id.</summary>
    public string Id => watch.Run;

    /// <summary>The outputs that can be read here.</summary>
    public IReadOnlyCollection<string> Outputs => ports.Keys;

    /// <summary>
    /// Ends when all processors have completed. Whether anybody reads the results does not matter.
    /// </summary>
    /// <exception cref="FlowException">A processor has failed (the first one, with what it said), or the run was cancelled or deleted.</exception>
    /// <exception cref="NondeterministicReplayException">It has failed because a processor that was repeated has put out something else.</exception>
    /// <exception cref="StoreRolledBackException">The store has lost writes, and perhaps the run with them.</exception>
    /// <exception cref="ObjectDisposedException">This object was disposed before the run had ended.</exception>
    /// <remarks>The function of a processor that asks for it waits from then on until the run has ended: it gives up its slot (<see cref="SupervisorOptions.MaxConcurrency"/>), which the run may need. Await it where you ask for it.</remarks>
    public Task Completion => ExecutionSlot.Current is { } slot ? slot.WaitAsync(completion.Value) : completion.Value;

    /// <summary>
    /// An output, to be read while it is made. What was read leaves the store, unless the stream has <see cref="Retention.All"/>: read it once, from the first value on. Values wait for their reader; who stops reading for
    /// longer than <see cref="SupervisorOptions.ReaderTimeout"/> holds nobody up. Of a run that was started with <c>keepOutputs: true</c> everything can be read again.
    /// </summary>
    /// <typeparam name="T">The type of its values.</typeparam>
    /// <param name="name">The stream.</param>
    /// <exception cref="ArgumentException">It is not among the <see cref="Outputs"/>, or has values of another type.</exception>
    /// <exception cref="ObjectDisposedException">The run was disposed here; also from what reads on then.</exception>
    public IO<T> Output<T>(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(isDisposed != 0, this);
        if (!ports.TryGetValue(name, out InputPort? port))
            throw new ArgumentException(Explain(name), nameof(name));
        if (watch.Plan.Stream(name).Type is { } type && type != TypeNames.ToStore(typeof(T)))
            throw new ArgumentException($"The stream {name} of the run {Id} has values of the type {type}, not {TypeNames.Of(typeof(T))}.", nameof(name));
        readHere[name] = true;
        return new(port, core.Options.Serializers.In(FlowNames.Values(Id, name)));
    }

    /// <summary>How far the run has come, and which of its processors nobody hosts. Asks the store for each stream, and for each processor that has not ended.</summary>
    /// <exception cref="FlowException">It was deleted.</exception>
    public async Task<FlowStatus> GetStatusAsync(CancellationToken cancellation = default)
        => await core.AskAsync(() => FlowReports.StatusWithHostsAsync(core, Id, cancellation), cancellation).ConfigureAwait(false)
            ?? throw new FlowException($"The run {Id} is not in the store any more: it was deleted, or the store was emptied.") { Run = Id };

    /// <summary>Cancels the run: all its streams fail, and all its processors stop, wherever they are.</summary>
    /// <param name="reason">Why; everybody who is stopped by it is told.</param>
    /// <param name="cancellation">Gives up; it may have been cancelled or not.</param>
    public Task CancelAsync(string reason = "", CancellationToken cancellation = default)
        => reason is null ? throw new ArgumentNullException(nameof(reason)) : core.AskAsync(() => FlowReports.CancelAsync(core, watch.Plan, reason, cancellation), cancellation);

    /// <summary>
    /// Lets go of the results: they are not kept for this service any more. What it was still putting in fails. If the store has not answered for <see cref="SupervisorOptions.LeaseDuration"/>, they are kept until they expire.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await feeding.CancelAsync().ConfigureAwait(false);
        using var patience = new CancellationTokenSource(core.Options.LeaseDuration, core.Options.Time);
        // Those who read it find out without being told, by this service's silence.
        await Task.WhenAll(feeds).WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Who has only looked at the run leaves what it has not read to who has started it, or will come again.
        foreach (InputPort port in ports.Values.Where(port => isOwner || readHere.ContainsKey(port.Name)))
        {
            try
            {
                await port.CloseAsync(patience.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
            {
                core.Warn($"The results of the run {Id} are kept until they expire: {e.Message}");
            }
        }
        await watch.DisposeAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
        feeding.Dispose();
    }

    private string Explain(string name)
    {
        if (!Array.Exists(watch.Plan.Streams, stream => stream.Name == name)) return NearNames.Explain("output", name, watch.Plan.Results);
        if (watch.Plan.Results.Contains(name))
            return $"The stream {name} of the run {Id} is read by the service that has started the run, {watch.Plan.Starter}; this one is {core.Options.Name}. Read it there, or in a service with that name (SupervisorOptions.Name).";
        return $"The stream {name} of the run {Id} is read by its processors only: start the flow with allOutputs: true to read it here ({string.Join(", ", watch.Plan.Results)} can be read).";
    }

    internal void Feed(IReadOnlyList<IGrouping<string, IOVal>> inputs)
    {
        if (inputs.Count == 0) return;
        Task feed = new FlowFeeds(core, watch.Plan, inputs, feeding.Token).RunAsync();
        feeds.Add(feed);
        core.Add(feed);
    }

    /// <summary>Ends when the run has, or nobody follows it any more. If the store has lost writes, whoever is told so then finds a new generation. Throws nothing.</summary>
    private async Task FollowAsync()
    {
        await watch.Over.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (watch.Over.Exception?.InnerException is StoreRolledBackException)
            await core.RenewAsync(watch.Generation, feeding.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task CompleteAsync()
    {
        await following.ConfigureAwait(false);
        if (watch.Over.IsCanceled) throw new ObjectDisposedException(nameof(FlowRun), $"Nobody follows the run {Id} here any more, because this FlowRun was disposed before the run had ended; the run itself goes on. Await Completion before it is disposed, or find the run again (FindAsync).");
        await watch.Over.ConfigureAwait(false);
        if (watch.IsCancelled) throw new FlowException($"The run {Id} was cancelled: {watch.CancelReason}") { Run = Id, IsCancelled = true };
        RunEvent[] failed = [.. watch.Events.Select(one => one.Event).Where(happened => happened.Kind == RunEventKind.Failed)];
        if (failed.Length == 0) return;
        RunEvent first = Array.Find(failed, one => one.Origin == one.Processor) ?? failed[0];
        throw StreamFailures.Make($"The run {Id} has failed: the processor {first.Origin ?? first.Processor} has: {first.Error}", Id, first.Origin ?? first.Processor, first.IsDifference);
    }
}
