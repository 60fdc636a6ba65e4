using System.Runtime.CompilerServices;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice;

/// <summary>A durable consumer: it reads a stream, runs a pipeline, and commits the items that the pipeline has completed. Accepted items
/// are processed, even if the process dies and is started again. docs/guarantees.md states the exact promise.</summary>
/// <remarks>
/// <para>
/// Accepted items are entries of a stream in <see cref="ConsecutorOptions.Store"/>; the stream has the consecutor's name. The consecutor
/// leases items in bounded batches and passes them through the pipeline. A commit settles items together with the results that the pipeline
/// has staged for the store. A failed item is replayed as <see cref="ConsecutorOptions.Delivery"/> says, and then becomes a dead letter.
/// With a store, later items of its key wait for it, and other items go on. Without a key, the items of its partition wait if a stage keeps
/// state; otherwise they may overtake it. Without a store, later items may overtake it.
/// </para>
/// <para>All members may be called from any thread. A consecutor is started at most once.</para>
/// </remarks>
/// <example><code>
/// await using var payments = new Consecutor&lt;Payment&gt;("payments", source => source | Validate | BookAsync,
///     new ConsecutorOptions { Store = store, Delivery = DeliveryGuarantee.Replay(5) });
/// await payments.StartAsync();
/// await payments.SendAsync(payment);          // durable when it returns
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed partial class Consecutor<T> : IConsecutor, ISender<T>, IAsyncDisposable
{
    private readonly ConsecutorCore core;
    private readonly Lock sync = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SortedSet<int> freeProducers = [];        // numbers, as below; under the lock
    private int producers;                           // the largest number that was ever given out
    private readonly Dictionary<string, Appender<T>> own = new(StringComparer.Ordinal);          // under sync
    private readonly Pipeline pipeline;
    private readonly bool ownsStore;
    private readonly Func<T, string?>? key;
    private readonly PayloadSerializers serializers;
    private readonly LocalIntake<T>? local;
    private Appender<T>? sender;
    private ConsecutorStatus state;
    private PipelineRun? run;
    private Task committing = Task.CompletedTask;

    /// <summary>Refused: a body without an end.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(CompileErrors.OpenBody, error: true)]
    public Consecutor(string name, Func<Source<T>, object> body, ConsecutorOptions? options = null) => throw CompileErrors.Refused();

    /// <summary>Makes a consecutor. It neither runs nor opens the store yet.</summary>
    /// <param name="name">The name of the consecutor and of its stream: 1 to 200 characters. A later start finds accepted items by this
    /// name.</param>
    /// <param name="body">Builds the pipeline from the source of accepted items; called once.</param>
    /// <param name="options">The options; by default items are kept in memory and replayed up to three times.</param>
    /// <exception cref="ArgumentException">The name is invalid, or a value of <see cref="ConsecutorOptions.Stream"/> is out of its
    /// range.</exception>
    /// <exception cref="InvalidTopologyException">A stage holds, combines or remembers items and would lose them with the process; or the
    /// pipeline has a source of its own; or under <see cref="DeliveryGuarantee.None"/> a stage keeps state or a sink takes part in
    /// commits.</exception>
    public Consecutor(string name, Func<Source<T>, Pipeline> body, ConsecutorOptions? options = null)
    {
        StreamNames.Check(name);
        ArgumentNullException.ThrowIfNull(body);
        options ??= new();
        options.Stream.Check();
        options = options with { Serializers = options.Serializers.In(name) };
        serializers = options.Serializers;
        pipeline = body(new LeaseSource<T>(name, StageOptions.Default))
            ?? throw new InvalidOperationException("The body of the consecutor returned null instead of a pipeline.");
        TopologyRecorder recorder = Draw(name, pipeline);
        List<TopologyNode> sources = [.. recorder.Topology.Nodes.Where(node => recorder.Topology.Edges.All(edge => edge.To != node))];
        if (sources.Count != 1 || sources[0].Kind != LeaseSource<T>.KindName)
        {
            throw new InvalidTopologyException(
                $"The pipeline of the consecutor {name} begins with {string.Join(", ", sources.Select(node => node.Name))}. It takes its "
                    + $"items from the "
                + "source it is given, once; what others bring is sent to it: producer | consecutor.");
        }
        if (recorder.KeepsState && options.Delivery.Level == DeliveryLevel.None)
            throw new InvalidTopologyException(
                $"The consecutor {name} keeps state, and DeliveryGuarantee.None settles items before they are started: what they have "
                    + $"changed could not be committed with them. Use DeliveryGuarantee.Confirm or DeliveryGuarantee.Replay.");
        if (options.Delivery.Level == DeliveryLevel.None
            && recorder.Topology.Nodes.FirstOrDefault(static node => node.Kind == CommitSinkKind.Name) is { } sink)
            throw new InvalidTopologyException(
                $"'{sink.Name}' of the consecutor {name} writes what the commits of its items hold, and DeliveryGuarantee.None settles "
                    + $"items before they are started: it would never get them. Use DeliveryGuarantee.Confirm or DeliveryGuarantee.Replay.");
        ownsStore = options.Store is null;
        IPayloadHandles? handles = null;
        if (ownsStore && !recorder.KeepsState)
        {
            var items = new HandleSerializer<T>();
            // Under None, items are settled, and would be freed, before they are read.
            if (options.Delivery.Level != DeliveryLevel.None) handles = items;
            options = options with { Serializers = options.Serializers.Plain.With(items) };
        }
        else _ = options.Serializers.For<T>();       // items that would not come back from the store as they were are refused here
        place = new(() => State, Completion);
        (stopDeadline, grace, lastWait) = (new(Timeout.InfiniteTimeSpan, options.Run.Time), new(Timeout.InfiniteTimeSpan, options.Run.Time),
            new(Timeout.InfiniteTimeSpan, options.Run.Time));
        Store = options.Store ?? new MemoryStreamStore(options.Run.Time) { Handles = handles };
        core = new(name, options, Store, pipeline, recorder) { Lifetime = { Failed = Fail }, Sends = { OnLongWait = WarnOfWaitingSends } };
        core.State.CheckTypes(options.Serializers);
        foreach (var (node, type) in recorder.Emitted)
            if (options.Serializers.Lacks(type) is { } why)
                throw new PayloadException(
                    $"What {node} in the consecutor {name} puts out is stored as an item of its own where something behind it "
                        + $"fails. {why}");
        // A store commits the parts that sinks stage, so a pipeline with such sinks needs a store for first attempts too.
        if (ownsStore && !recorder.KeepsState && recorder.Topology.Nodes.All(node => node.Kind != CommitSinkKind.Name))
            core.Local = local = new(core.Identity, core.Stream, core.Ledger, core.InFlight, core.Pump, core.Sends, core.Lifetime);
        if (local is null) return;
        core.Telemetry.IsSilent = true;
        core.Observed.Refresh = local.Count;
    }

    /// <summary>The name of the consecutor, of its stream and of its group.</summary>
    public string Name => core.Name;

    /// <summary>The pipeline as a graph.</summary>
    public Topology Topology => core.Recorder.Topology;

    /// <summary>The store of the accepted items; a store in memory that belongs to the consecutor if none was given.</summary>
    public IStreamStore Store { get; }

    /// <summary>
    /// The function that returns the key of an item; null by default, and then the store distributes items freely. Items of one key are in
    /// one partition. They enter the pipeline in the order in which they were accepted, also if some of them fail. With a store, an item
    /// that waits for its next attempt holds up later items of its key only. If the function returns null, the item has no key.
    /// </summary>
    /// <remarks>By the key alone, one item runs at a time, and of one key never more. A redriven letter or a half of a list may run
    /// beside an item of another key; with a <c>Stage.KeyBy</c>, a <c>Throttle</c> or a node class in the pipeline it does not.
    /// <see cref="Stage"/>.<c>KeyBy</c> with the same key runs several keys at the same time; <c>Stage.Parallel</c> runs several items of
    /// one key at the same time.</remarks>
    public Func<T, string?>? Key
    {
        get => key;
        init
        {
            key = value;
            core.SetKey(value);
        }
    }

    /// <summary>Completes when the consecutor has stopped or is disposed; faults if the consecutor has failed. After a stop that ran
    /// out of time, it faults with a <see cref="TimeoutException"/>: <see cref="Snapshot"/> tells the two apart.</summary>
    public Task Completion => ended.Task;

    private static TopologyRecorder Draw(string name, Pipeline pipeline)
    {
        try
        {
            TopologyRecorder recorder = RunBuilder.Draw(pipeline, isFollowed: true);
            _ = recorder.Topology;
            return recorder;
        }
        catch (InvalidTopologyException e)
        {
            throw e.In($"The consecutor {name}");
        }
    }

    /// <summary>The intake of a consecutor without a store; null otherwise.</summary>
    internal LocalIntake<T>? Local => local;

    internal string Member => core.Options.InstanceId;
}
