using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Engine;

/// <summary>Records the nodes and edges of a blueprint. The topology, with its names, is made on demand.</summary>
/// <remarks>
/// A run is built from its ends to its sources, so nodes are numbered backwards; the topology lists them forwards. Filled by one thread,
/// then read by any. A fan-out without a function is a numbered node of the engine but not of the picture: its edges start at the
/// stage before it.
/// </remarks>
internal sealed class TopologyRecorder
{
    private readonly List<NodeRecord> nodes = [];
    private readonly List<EdgeRecord> edges = [];
    private Drawn? drawn;
    private Dictionary<string, Type?>? nodeOutputs;

    public int Count => nodes.Count;

    /// <summary>The entrances of the nodes, which tell their item types, if the blueprint was drawn as a tracked run.</summary>
    public ItemTracking? Following { get; init; }

    /// <summary>Whether a stage keeps state that outlives the run.</summary>
    public bool KeepsState { get; set; }

    /// <summary>The shape of each such stage's state, by the stage's name.</summary>
    public Dictionary<string, StateShape> States { get; } = new(StringComparer.Ordinal);

    /// <summary>The output types of such stages, by name. An output that fails is stored as a separate item.</summary>
    public List<(string Node, Type Type)> Emitted { get; } = [];

    /// <summary>Whether a stage with such state also acts when time has passed.</summary>
    public bool KeepsTime { get; set; }

    /// <summary>Whether a stage counts on one run: a KeyBy, a throttle or a node class. Items that enter in the middle, and all others,
    /// then take turns.</summary>
    public bool CountsOnOneRun { get; set; }

    /// <summary>The known named outputs, with their item types.</summary>
    public Dictionary<string, Type> Outputs { get; } = new(StringComparer.Ordinal);

    /// <summary>The named outputs of node classes, with their item types; null if nodes write different types.</summary>
    public Dictionary<string, Type?> NodeOutputs => LazyInitializer.EnsureInitialized(ref nodeOutputs, FindOutputs);

    /// <summary>The nodes that may have named outputs.</summary>
    public List<IHasOutputs> OutputOwners { get; } = [];

    /// <summary>Whether a node may write to an output of that name.</summary>
    public bool HasOutput(string name) => Outputs.ContainsKey(name) || NodeOutputs.ContainsKey(name);

    /// <summary>Refuses a reader of an output whose items have another type.</summary>
    /// <param name="name">The name of the output.</param>
    /// <param name="type">The type that the reader expects.</param>
    /// <param name="owner">Whose output it is, for the message: empty, or "of the consecutor orders ".</param>
    /// <exception cref="ArgumentException">The items of the output have another type.</exception>
    public void CheckOutput(string name, Type type, string owner = "")
    {
        if (!Outputs.TryGetValue(name, out Type? known)) known = NodeOutputs.GetValueOrDefault(name);
        if (known is not null && known != type) throw new ArgumentException(
            $"The output '{name}' {owner}carries {TypeNames.Of(known)}, not {TypeNames.Of(type)}.", nameof(name));
    }

    /// <summary>Describes the existing outputs, for an error about a name that does not exist.</summary>
    public string DescribeOutputs(string wanted)
    {
        string[] names = [.. Outputs.Keys.Union(NodeOutputs.Keys).Order(StringComparer.Ordinal)];
        if (names.Length == 0) return "It has none: put a Sink.Output into it, or give a node a NamedOutput as a field.";
        string near = NearNames.Of(wanted, names) is [var close, ..] ? $"Did you mean '{close}'? " : "";
        return $"{near}There is {string.Join(", ", names)}. (The NamedOutput of a node is known if it is a field of it, or is made "
            + $"together with it.)";
    }

    public Topology Topology => Made.Topology;

    private Drawn Made => LazyInitializer.EnsureInitialized(ref drawn, Make);

    public int Add(in NodeRecord node)
    {
        nodes.Add(node);
        return nodes.Count - 1;
    }

    public void Connect(int from, int to, string? port = null) => edges.Add(new(from, to, port));

    /// <summary>
    /// The name of a node. A fan-out that is not in the picture is named after its branches, as <c>[ToDatabase, ToFile]</c>.
    /// </summary>
    public string NameOf(int node) => node < 0 ? "run" : Made.Ids[node] is >= 0 and var id ? Topology.Nodes[id].Name : Names(HeadsOf(node));

    /// <summary>
    /// The name of the node as the start of an edge; a fan-out that is not in the picture has the name of the stage before it.
    /// </summary>
    public string NameOfStart(int node) => Made.Ids[node] >= 0 ? NameOf(node) : Names(Tails(node));

    /// <summary>The node in the picture; null for a fan-out that is not in it.</summary>
    public TopologyNode? NodeOf(int node) => Made.Ids[node] is >= 0 and var id ? Topology.Nodes[id] : null;

    /// <summary>The engine's number of a node of the picture.</summary>
    public int NumberOf(TopologyNode node) => Array.IndexOf(Made.Ids, node.Id);

    /// <summary>The node itself; for a fan-out that is not in the picture, the nodes it leads to.</summary>
    public IEnumerable<int> HeadsOf(int node) => Made.Ids[node] >= 0
        ? [node]
        : edges.Where(edge => edge.From == node).Reverse().SelectMany(edge => HeadsOf(edge.To)).Distinct();

    /// <summary>The annotations of a node.</summary>
    public StageOptions OptionsOf(int node) => nodes[node].Options;

    /// <summary>The record of a node.</summary>
    public NodeRecord this[int node] => nodes[node];

    /// <summary>The nodes that feed a node, by the engine's numbers.</summary>
    public IEnumerable<int> Feeding(int node)
    {
        foreach (EdgeRecord edge in edges)
            if (edge.To == node) yield return edge.From;
    }

    /// <summary>The number of nodes that share the node's default name, except for the number in it (<see cref="NodeNames"/>); the node
    /// itself counts. If that changes, another node may get the name. Null if the user named the node.</summary>
    public int? NamesakesOf(int node)
    {
        if (nodes[node].Options.Name is not null) return null;
        string? hint = HintOf(nodes[node]);
        return hint is null ? nodes.Count(other => other.Kind == nodes[node].Kind && !other.IsOnlyEdges)
            : nodes.Count(other => other.Options.Name is null && HintOf(other) == hint);
    }

    private static string? HintOf(in NodeRecord node)
        => node.Hint ?? (node.Function is null ? null : TopologyBuilder.NameOf(node.Function));

    private Dictionary<string, Type?> FindOutputs()
    {
        var known = new Dictionary<string, Type?>(StringComparer.Ordinal);
        foreach (INamedOutput output in OutputOwners.SelectMany(owner => owner.NamedOutputs))
            known[output.Name] = known.TryGetValue(output.Name, out Type? type) && type != output.Type ? null : output.Type;
        return known;
    }

    private IEnumerable<int> Tails(int node) => Feeding(node).Reverse().SelectMany(from => Made.Ids[from] >= 0 ? [from] : Tails(from))
        .Distinct();

    private string Names(IEnumerable<int> some) => some.Select(NameOf).ToArray() is var names && names.Length == 1 ? names[0]
        : $"[{string.Join(", ", names)}]";

    private Drawn Make()
    {
        var builder = new TopologyBuilder();
        int[] ids = new int[nodes.Count];
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            NodeRecord node = nodes[i];
            ids[i] = node.IsOnlyEdges && Feeding(i).Any()
                ? -1
                : builder.Add(
                    node.Kind,
                    node.Options.Name,
                    HintOf(node),
                    node.Input,
                    node.Output,
                    node.Options.Describe(),
                    isOnlyEdges: node.IsOnlyEdges,
                    lanesBy: node.LanesBy);
        }
        var leaving = edges.ToLookup(edge => edge.From);
        for (int i = edges.Count - 1; i >= 0; i--)
            if (ids[edges[i].From] >= 0) Connect(ids[edges[i].From], edges[i], null);
        try
        {
            return new(builder.Build(open: true), ids);
        }
        catch (InvalidTopologyException e) when (Beginning() is { } name)
        {
            throw e.In($"The pipeline that begins with '{name}'");
        }

        // A pipeline has no name. A source has one if the user gave it, or if it is a producer.
        string? Beginning() => nodes.Where((node, i) => node.Input is null && !Feeding(i).Any() && node.Options.Name is not null)
            .Select(static node => node.Options.Name).LastOrDefault();

        void Connect(int from, EdgeRecord edge, string? port)
        {
            port ??= edge.Port;
            if (ids[edge.To] >= 0)
            {
                builder.Connect(from, ids[edge.To], port);
                return;
            }
            foreach (EdgeRecord next in leaving[edge.To].Reverse()) Connect(from, next, port);
        }
    }

    private readonly record struct EdgeRecord(int From, int To, string? Port);

    /// <param name="Topology">The picture.</param>
    /// <param name="Ids">The id in the picture by engine number; -1 for nodes that are not in it.</param>
    private sealed record Drawn(Topology Topology, int[] Ids);
}

/// <summary>The description of a node before it is named.</summary>
/// <param name="Kind">The kind: "map", "filter", "sink".</param>
/// <param name="Options">The annotations.</param>
/// <param name="Function">The user's function; the node is named after it.</param>
/// <param name="Hint">The name of a node without a function.</param>
/// <param name="Input">The type of the items that enter; null for a source.</param>
/// <param name="Output">The type of the items that leave; null for a sink.</param>
/// <param name="IsOnlyEdges">Whether the node only stands for the start of several edges.</param>
internal readonly record struct NodeRecord(
    string Kind, StageOptions Options, Delegate? Function, string? Hint, Type? Input, Type? Output, bool IsOnlyEdges = false)
{
    /// <summary>The reason why a producer that resumes would get other outputs from it; null if there is none.</summary>
    public string? StartsAnew { get; init; }

    /// <summary>The setting that gives the node more lanes.</summary>
    public LaneSetting LanesBy { get; init; }

    /// <summary>Whether a consecutor stores its state.</summary>
    public bool KeepsState { get; init; }
}
