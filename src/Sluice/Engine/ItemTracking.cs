namespace Sluice;

/// <summary>
/// What makes a run one that follows its items for somebody else, who replays or buries those that fail: the run goes on after failures, refuses stages
/// that would forget something in a crash, and can be entered at any node.
/// </summary>
/// <param name="feeder">Where the run's source takes its items from.</param>
internal sealed class ItemTracking(object feeder)
{
    private readonly Dictionary<int, IEntrance> entrances = [];
    private readonly Dictionary<int, IEntrance> outlets = [];
    private readonly List<IStatefulStage> remembering = [];
    private readonly Dictionary<int, List<ITimerEntrance>> timers = [];

    public const string Consecutor = "a consecutor";

    public object Feeder => feeder;

    /// <summary>What the run belongs to, in messages.</summary>
    public string Home { get; init; } = Consecutor;

    /// <summary>Where what nodes put out by name goes; null where that is up to the run.</summary>
    public IFollowedOutputs? Outputs { get; init; }

    /// <summary>Whether lists that fail are divided by who follows them; else by their stages.</summary>
    public bool DividesLists { get; init; }

    /// <summary>Whether items of a key keep their order through failures, so that some are held back (<see cref="Ticket.TryHoldBack"/>).</summary>
    public bool KeepsOrder { get; init; }

    /// <summary>Whether items will enter at nodes in the middle: no node may be joined to another then.</summary>
    public bool HasEntrances { get; init; }

    /// <summary>Where a node takes its items in; null for what takes none.</summary>
    public IEntrance? Entrance(int node) => entrances.GetValueOrDefault(node);

    /// <summary>Where what a node that remembers something has put out goes on; null for other nodes.</summary>
    public IEntrance? Outlet(int node) => outlets.GetValueOrDefault(node);

    /// <summary>The stages that have an instance for each partition, by their numbers.</summary>
    public IReadOnlyList<IStatefulStage> Remembering => remembering;

    /// <summary>Called while the run is built.</summary>
    /// <returns>The stage's number.</returns>
    public int Add(IStatefulStage stage)
    {
        remembering.Add(stage);
        return remembering.Count - 1;
    }

    /// <summary>The same for one whose outputs are items of their own.</summary>
    public int Add<T>(IStatefulStage stage, Inlet<T> outlet)
    {
        outlets.TryAdd(stage.Node, new Entrance<T>(outlet));
        return Add(stage);
    }

    /// <summary>Where a timer of a node that has failed is tried again; null if no lane of the node has the key.</summary>
    public ITimerEntrance? TimersOf(int node, string key) => timers.GetValueOrDefault(node)?.Find(lane => lane.Owns(key));

    /// <summary>Called while the run is built, for each lane of a node.</summary>
    public void AddTimers(int node, ITimerEntrance lane)
    {
        if (!timers.TryGetValue(node, out List<ITimerEntrance>? lanes)) timers.Add(node, lanes = []);
        lanes.Add(lane);
    }

    /// <summary>Called while the run is built.</summary>
    public void Add<T>(int node, Inlet<T> inlet) => entrances.TryAdd(node, new Entrance<T>(inlet));
}

/// <summary>Where a node takes its items in, whatever their type.</summary>
internal interface IEntrance
{
    /// <summary>Hands itself on with its type.</summary>
    TResult Accept<TResult>(IEntranceVisitor<TResult> visitor);
}

/// <summary>A lane of a node whose timers are stored.</summary>
internal interface ITimerEntrance
{
    bool Owns(string key);

    /// <summary>Fires a timer that was taken before, as an item that has come to the node.</summary>
    ValueTask FireAsync(Ticket ticket, string key, string timer);
}

/// <summary>Does something with an entrance, and with the type of its items.</summary>
internal interface IEntranceVisitor<out TResult>
{
    TResult Visit<T>(Inlet<T> inlet);
}

internal sealed class Entrance<T>(Inlet<T> inlet) : IEntrance
{
    public TResult Accept<TResult>(IEntranceVisitor<TResult> visitor) => visitor.Visit(inlet);
}
