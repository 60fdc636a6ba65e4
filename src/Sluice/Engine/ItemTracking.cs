using System.Collections.Concurrent;

namespace Sluice.Engine;

/// <summary>
/// Makes a run a tracked one: its owner (a consecutor, a worker) retries or buries the items that fail. The run continues after failures,
/// refuses stages that would lose items in a crash, and can be entered at any node.
/// </summary>
/// <param name="feeder">The object that the run's source takes its items from.</param>
internal sealed class ItemTracking(object feeder)
{
    private readonly Dictionary<int, IEntrance> entrances = [];
    private readonly Dictionary<int, IEntrance> outlets = [];
    private readonly List<IStatefulStage> remembering = [];
    private readonly Dictionary<int, List<ITimerEntrance>> timers = [];

    private readonly ConcurrentDictionary<int, long> retries = new();

    public const string Consecutor = "a consecutor";

    public object Feeder => feeder;

    /// <summary>The owner of the run, for messages.</summary>
    public string Home { get; init; } = Consecutor;

    /// <summary>The consecutor whose items the run follows; null if there is none.</summary>
    public string? Name { get; init; }

    /// <summary>Whether nodes have spans for traced items. Decided when the run begins.</summary>
    public bool IsTraced { get; init; }

    /// <summary>Takes the warnings of the run; null if they go to the event source and to standard error.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Takes the named outputs of the run's nodes; null if the run keeps them itself.</summary>
    public IFollowedOutputs? Outputs { get; init; }

    /// <summary>Whether the run's owner divides lists that fail; otherwise their stages do.</summary>
    public bool DividesLists { get; init; }

    /// <summary>
    /// Whether items of a key keep their order through failures; some are then held back (<see cref="Ticket.TryHoldBack"/>).
    /// </summary>
    public bool KeepsOrder { get; init; }

    /// <summary>Whether items will enter at nodes in the middle; nodes are then never fused.</summary>
    public bool HasEntrances { get; init; }

    /// <summary>Counts an item that has failed at a node and is tried again by the run's owner. Any thread.</summary>
    public void CountRetry(int node) => retries.AddOrUpdate(node, 1, static (_, known) => known + 1);

    /// <summary>The number of retries of a node by the run's owner; those of its policy are not among them. Any thread.</summary>
    public long RetriesOf(int node) => retries.GetValueOrDefault(node);

    /// <summary>The inlet of a node; null for nodes without input.</summary>
    public IEntrance? Entrance(int node) => entrances.GetValueOrDefault(node);

    /// <summary>The inlet behind a stateful node, where its outputs continue; null for other nodes.</summary>
    public IEntrance? Outlet(int node) => outlets.GetValueOrDefault(node);

    /// <summary>The stages that have an instance for each partition, by their numbers.</summary>
    public IReadOnlyList<IStatefulStage> Remembering => remembering;

    /// <summary>Adds a stateful stage. Called while the run is built.</summary>
    /// <returns>The stage's number.</returns>
    public int Add(IStatefulStage stage)
    {
        remembering.Add(stage);
        return remembering.Count - 1;
    }

    /// <summary>Adds a stateful stage whose outputs are tracked as items. Called while the run is built.</summary>
    public int Add<T>(IStatefulStage stage, Inlet<T> outlet)
    {
        AddOutlet(stage.Node, outlet);
        return Add(stage);
    }

    /// <summary>Adds the inlet behind a stateful node; the first one added stays. Called while the run is built or drawn.</summary>
    public void AddOutlet<T>(int node, Inlet<T> outlet) => outlets.TryAdd(node, new Entrance<T>(outlet));

    /// <summary>The lane that retries a failed timer; null if no lane of the node has the key.</summary>
    public ITimerEntrance? TimersOf(int node, string key) => timers.GetValueOrDefault(node)?.Find(lane => lane.Owns(key));

    /// <summary>Adds a lane of a node with stored timers. Called while the run is built.</summary>
    public void AddTimers(int node, ITimerEntrance lane)
    {
        if (!timers.TryGetValue(node, out List<ITimerEntrance>? lanes)) timers.Add(node, lanes = []);
        lanes.Add(lane);
    }

    /// <summary>Adds the inlet of a node; the first one added stays. Called while the run is built or drawn.</summary>
    public void Add<T>(int node, Inlet<T> inlet) => entrances.TryAdd(node, new Entrance<T>(inlet));
}

/// <summary>The inlet of a node, without its item type.</summary>
internal interface IEntrance
{
    /// <summary>Calls the visitor with the item type.</summary>
    TResult Accept<TResult>(IEntranceVisitor<TResult> visitor);
}

/// <summary>A lane of a node whose timers are stored.</summary>
internal interface ITimerEntrance
{
    bool Owns(string key);

    /// <summary>Fires a timer that was taken before, as an item of the node.</summary>
    ValueTask FireAsync(Ticket ticket, string key, string timer);
}

/// <summary>Receives an entrance with its item type.</summary>
internal interface IEntranceVisitor<out TResult>
{
    TResult Visit<T>(Inlet<T> inlet);
}

internal sealed class Entrance<T>(Inlet<T> inlet) : IEntrance
{
    public TResult Accept<TResult>(IEntranceVisitor<TResult> visitor) => visitor.Visit(inlet);
}
