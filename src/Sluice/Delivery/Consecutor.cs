using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// A pipeline that reads a stream and commits what it has completely processed: what it accepts is processed, even if the process dies and is started
/// again. The unit of guarantee: what exactly is promised is in docs/guarantees.md.
/// </summary>
/// <remarks>
/// <para>
/// Accepted items are entries of a stream in <see cref="ConsecutorOptions.Store"/> that has the consecutor's name. They are leased in bounded batches, go through the
/// pipeline, and are settled by commits, together with what the pipeline has made of them there. An item that fails is replayed as
/// <see cref="ConsecutorOptions.Delivery"/> says, and kept as a dead letter then; the others go on meanwhile. So order holds until something fails.
/// </para>
/// <para>All members may be called from any thread. One start at a time.</para>
/// </remarks>
/// <example><code>
/// await using var payments = new Consecutor&lt;Payment&gt;("payments", source => source | Validate | BookAsync,
///     new ConsecutorOptions { Store = store, Delivery = DeliveryGuarantee.Replay(5) });
/// await payments.StartAsync();
/// await payments.SendAsync(payment);          // durable when it returns
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed partial class Consecutor<T> : IAsyncDisposable
{
    private readonly ConsecutorCore core;
    private readonly Lock sync = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<int> producers = [];
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

    /// <summary>Makes a consecutor; nothing runs and nothing is opened yet.</summary>
    /// <param name="name">Its name, and that of its stream: 1 to 200 characters. What it has accepted is found again by it.</param>
    /// <param name="body">Makes the pipeline out of the source of accepted items; called once.</param>
    /// <param name="options">How it works; in memory, with three replays, unless given.</param>
    /// <exception cref="ArgumentException">The name is none, or a value of <see cref="ConsecutorOptions.Stream"/> is out of its range.</exception>
    /// <exception cref="InvalidTopologyException">
    /// A stage holds or combines items, or remembers some, and would forget them with the process; or the pipeline has a source of its own.
    /// </exception>
    public Consecutor(string name, Func<Source<T>, Pipeline> body, ConsecutorOptions? options = null)
    {
        StreamNames.Check(name);
        ArgumentNullException.ThrowIfNull(body);
        options ??= new();
        options.Stream.Check();
        options = options with { Serializers = options.Serializers.In(name) };
        serializers = options.Serializers;
        pipeline = body(new LeaseSource<T>(name, StageOptions.Default)) ?? throw new InvalidOperationException("The body of the consecutor returned null instead of a pipeline.");
        TopologyRecorder recorder = RunBuilder.Draw(pipeline, isFollowed: true);
        List<TopologyNode> sources = [.. recorder.Topology.Nodes.Where(node => recorder.Topology.Edges.All(edge => edge.To != node))];
        if (sources.Count != 1 || sources[0].Kind != LeaseSource<T>.KindName)
        {
            throw new InvalidTopologyException(
                $"The pipeline of the consecutor {name} begins with {string.Join(", ", sources.Select(node => node.Name))}. It takes its items from the "
                + "source it is given, once; what others bring is sent to it: producer | consecutor.");
        }
        if (recorder.KeepsState && options.Delivery.Level == DeliveryLevel.None)
            throw new InvalidTopologyException($"The consecutor {name} keeps state, and DeliveryGuarantee.None settles items before they are started: what they have changed could not be committed with them. Use DeliveryGuarantee.Confirm or DeliveryGuarantee.Replay.");
        ownsStore = options.Store is null;
        if (ownsStore && !recorder.KeepsState)
        {
            options = options with { Serializers = options.Serializers.Plain.With(new HandleSerializer<T>()) };
        }
        else _ = options.Serializers.For<T>();       // items that would not come back from the store as they were are refused here
        foreach (var (node, type) in recorder.Emitted)
            if (options.Serializers.Lacks(type) is { } why) throw new PayloadException($"What {node} in the consecutor {name} puts out is stored as an item of its own where something behind it fails. {why}");
        place = new(() => State, Completion);
        (patience, grace) = (new(Timeout.InfiniteTimeSpan, options.Run.Time), new(Timeout.InfiniteTimeSpan, options.Run.Time));
        core = new(name, options, options.Store ?? new MemoryStreamStore(options.Run.Time), pipeline, recorder) { Failed = Fail };
        // What sinks stage is committed by a store: then first attempts go through one as well.
        if (ownsStore && !recorder.KeepsState && recorder.Topology.Nodes.All(node => node.Kind != CommitSinkKind.Name)) core.Local = local = new(core);
    }

    /// <summary>Its name, and that of its stream and group.</summary>
    public string Name => core.Name;

    /// <summary>The pipeline as a graph.</summary>
    public Topology Topology => core.Recorder.Topology;

    /// <summary>
    /// The key of an item, if items have one: those of one key are in one partition, and are handed to the pipeline in the order in which they were
    /// accepted, also where some of them fail: with a store, an item that is to be tried again holds up those behind it that have its key, and no others. Null unless given: then the
    /// store distributes items as it likes. An item for which it is null has no key.
    /// </summary>
    public Func<T, string?>? Key
    {
        get => key;
        init
        {
            key = value;
            core.SetKey(value);
        }
    }

    /// <summary>Ends when the consecutor is stopped or disposed; faulted when it could not go on.</summary>
    public Task Completion => ended.Task;

    /// <summary>Where items are accepted that are in no store; else null.</summary>
    internal LocalIntake<T>? Local => local;

    internal string Member => core.Options.InstanceId;
}
