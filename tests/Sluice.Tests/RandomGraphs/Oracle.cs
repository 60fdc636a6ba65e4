namespace Sluice.Tests.RandomGraphs;

/// <summary>The expected counters of a node at a normal end, and their upper bounds.</summary>
/// <param name="mostIn">The maximum number of inputs, whatever their values.</param>
internal sealed class NodeExpectation(long mostIn)
{
    public long In;
    public long Out;
    public long Skipped;
    public long Failed;
    public long Retried;

    /// <summary>The maximum number of items queued in front of the node.</summary>
    public int QueueBound;

    /// <summary>The maximum number of inputs. As many items may also be skipped or fail.</summary>
    public long MostIn => mostIn;

    /// <summary>The maximum number of outputs.</summary>
    public long MostOut;

    /// <summary>The maximum number of retries.</summary>
    public long MostRetried;

    /// <summary>How many inputs, without the skipped ones, make one output. It holds even if the counts are not known; 0 if it
    /// varies.</summary>
    public int InPerOut;

    /// <summary>Whether the counters are exact. Upstream of a step that may end early there are only upper bounds.</summary>
    public bool IsExact = true;

    /// <summary>Whether the outputs are exact although the inputs are not: true for a step that may end early.</summary>
    public bool IsOutExact;
}

/// <summary>An item that ends the run at a node.</summary>
/// <param name="IsCertain">Whether the item reaches the node in every run that is not stopped.</param>
/// <param name="HasRoot">Whether the item comes from one root item.</param>
internal sealed record FatalItem(string Node, long Value, bool IsCertain, bool HasRoot);

/// <summary>
/// Computes with lists and LINQ what a graph does: the items of its sinks, the counters of its nodes, the outcomes of its
/// root items. It does not use the engine.
/// </summary>
/// <param name="capacity">The default capacity of a boundary.</param>
/// <param name="after">The finished run; null before the run. Then only bounds are known for what depends on time.</param>
internal sealed class Oracle(int capacity, RunRecord? after = null)
{
    public Dictionary<string, NodeExpectation> Nodes { get; } = [];

    public Dictionary<string, Expected> Sinks { get; } = [];

    public List<FatalItem> Fatal { get; } = [];

    public List<(string Node, long Value)> DeadLetters { get; } = [];

    public List<Root> Roots { get; } = [];

    public HashSet<string> Sources { get; } = [];

    /// <summary>The errors of observed steps.</summary>
    public List<string> Wrong { get; } = [];

    /// <summary>Whether the run came to a normal end.</summary>
    public bool IsWhole => after is { IsWhole: true };

    public int Capacity => capacity;

    /// <summary>Whether a step downstream may end early, so that not all items reach this point.</summary>
    public bool MayBeStopped { get; private set; }

    public bool IsExact => Nodes.Values.All(node => node.IsExact);

    /// <param name="name">The node.</param>
    /// <param name="queueBound">The maximum number of items queued in front of the node.</param>
    /// <param name="mostIn">The maximum number of inputs.</param>
    /// <param name="mostOut">The maximum number of outputs.</param>
    public NodeExpectation Node(string name, int queueBound, long mostIn, long mostOut)
    {
        var node = new NodeExpectation(mostIn)
        {
            QueueBound = queueBound,
            MostOut = mostOut,
            IsExact = !MayBeStopped,
            IsOutExact = !MayBeStopped
        };
        Nodes.Add(name, node);
        return node;
    }

    /// <summary>The recorded behavior of an operator; null before the run.</summary>
    public Observation<T>? Seen<T>(string name) => after?.Rig.Journal<Journal<T>>(name).Observe(after.IsWhole);

    /// <summary>What a join took, in order; null before the run.</summary>
    public IReadOnlyList<JoinArrival>? SeenByJoin(string name) => after?.Rig.Journal<JoinLog>(name).Arrivals;

    public IEnumerable<Item> Source(string name, IReadOnlyList<long> values)
    {
        Sources.Add(name);
        NodeExpectation node = Node(name, 0, 0, values.Count);
        int count = after?.Accepted is null ? values.Count : Math.Min(values.Count, after.Accepted(name));
        foreach (long value in values.Take(count))
        {
            node.Out++;
            var root = new Root();
            Roots.Add(root);
            yield return new(value, root);
        }
    }

    /// <summary>Computes a part of the graph for which a step downstream may end early.</summary>
    public T Under<T>(bool mayBeStopped, Func<T> compute)
    {
        bool outer = MayBeStopped;
        MayBeStopped |= mayBeStopped;
        T result = compute();
        MayBeStopped = outer;
        return result;
    }
}

/// <summary>What is known about a finished run.</summary>
/// <param name="Rig">The rig of the run.</param>
/// <param name="IsWhole">Whether the run came to a normal end.</param>
/// <param name="Accepted">How many items each source emitted before a drain; null without a drain.</param>
internal sealed record RunRecord(Rig Rig, bool IsWhole, Func<string, int>? Accepted);
