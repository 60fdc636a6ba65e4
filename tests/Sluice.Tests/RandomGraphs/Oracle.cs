namespace Sluice.Tests.RandomGraphs;

/// <summary>What a node's counters are to be at a normal end, and what they may never exceed.</summary>
/// <param name="mostIn">How many items may come in, whatever their values.</param>
internal sealed class NodeExpectation(long mostIn)
{
    public long In;
    public long Out;
    public long Skipped;
    public long Failed;
    public long Retried;

    /// <summary>How many items may be queued in front of it.</summary>
    public int QueueBound;

    /// <summary>How many items may come in, whatever their values; then so many may also be skipped or fail.</summary>
    public long MostIn => mostIn;

    /// <summary>How many may go out.</summary>
    public long MostOut;

    /// <summary>How many attempts may be repeated.</summary>
    public long MostRetried;

    /// <summary>How many items that are not skipped go in for each that comes out, also where it is open how many; 0 where that
    /// differs.</summary>
    public int InPerOut;

    /// <summary>Whether the counters are exact; upstream of something that may want no more, there are only upper bounds.</summary>
    public bool IsExact = true;

    /// <summary>Whether what goes out is exact although what comes in is not: of something that may want no more.</summary>
    public bool IsOutExact;
}

/// <summary>An item that ends the run at a node.</summary>
/// <param name="IsCertain">Whether it gets there in every run that nobody stops.</param>
/// <param name="HasRoot">Whether it comes of one root item.</param>
internal sealed record FatalItem(string Node, long Value, bool IsCertain, bool HasRoot);

/// <summary>
/// Computes with lists and LINQ what a graph does: the outputs of its sinks, the counters of its nodes, the ends of its
/// root items. Knows nothing of the engine.
/// </summary>
/// <param name="capacity">What a boundary holds where nothing else is said.</param>
/// <param name="after">The run it is about; null before the run, when only bounds are known of what depends on time.</param>
internal sealed class Oracle(int capacity, RunRecord? after = null)
{
    public Dictionary<string, NodeExpectation> Nodes { get; } = [];

    public Dictionary<string, Expected> Sinks { get; } = [];

    public List<FatalItem> Fatal { get; } = [];

    public List<(string Node, long Value)> DeadLetters { get; } = [];

    public List<Root> Roots { get; } = [];

    public HashSet<string> Sources { get; } = [];

    /// <summary>What steps that are observed did wrong.</summary>
    public List<string> Wrong { get; } = [];

    /// <summary>Whether the run came to a normal end.</summary>
    public bool IsWhole => after is { IsWhole: true };

    public int Capacity => capacity;

    /// <summary>Set while something downstream may want no more, so that not everything comes by.</summary>
    public bool MayBeStopped { get; private set; }

    public bool IsExact => Nodes.Values.All(node => node.IsExact);

    /// <param name="name">The node.</param>
    /// <param name="queueBound">How many items may be queued in front of it.</param>
    /// <param name="mostIn">How many items may come in.</param>
    /// <param name="mostOut">How many may go out.</param>
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

    /// <summary>What an operator was seen to do; null before the run.</summary>
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

    /// <summary>Computes with the knowledge whether something further down may want no more.</summary>
    public T Under<T>(bool mayBeStopped, Func<T> compute)
    {
        bool outer = MayBeStopped;
        MayBeStopped |= mayBeStopped;
        T result = compute();
        MayBeStopped = outer;
        return result;
    }
}

/// <summary>What is known of a run when it is over.</summary>
/// <param name="Rig">What surrounded it.</param>
/// <param name="IsWhole">Whether it came to a normal end.</param>
/// <param name="Accepted">How many items sources produced, where that was cut short by a drain.</param>
internal sealed record RunRecord(Rig Rig, bool IsWhole, Func<string, int>? Accepted);
