using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>What came out of one resolve of a graph: what each node produced, how it ended, and all of it merged by name.</summary>
/// <remarks>Does not change any more once the resolve has ended; then it may be read by any thread. Within a resolve, a node may ask it for its parents.</remarks>
public abstract class Context
{
    private readonly Resolution resolution;
    private Dictionary<string, object?>? merged;

    private protected Context(Resolution resolution) => this.resolution = resolution;

    /// <summary>The graph.</summary>
    public Topology Topology => resolution.Plan.Topology;

    /// <summary>How long the resolve took; zero unless timings are recorded.</summary>
    public TimeSpan Elapsed => resolution.Plan.Time.GetElapsedTime(resolution.Began, resolution.Over);

    /// <summary>How each node ended, in topological order.</summary>
    public IReadOnlyList<NodeOutcome> Outcomes => [.. Enumerable.Range(0, resolution.Slots.Length).Select(OutcomeOf)];

    /// <summary>What the nodes without children have produced, by name; those that produced nothing are not in it.</summary>
    public IReadOnlyDictionary<string, object> Leaves
        => Enumerable.Range(0, resolution.Slots.Length).Where(node => resolution.Plan.Children[node].Length == 0 && resolution.Slots[node] is { HasSomething: true })
            .ToDictionary(node => resolution.Plan.Nodes[node].Name, node => resolution.Slots[node]!.Boxed!, StringComparer.Ordinal);

    /// <summary>
    /// Everything that was produced, by name: the public properties of what a node returned (<c>title</c> for <c>Title</c>), the entries of a dictionary with
    /// text keys, and anything else, such as a number, a text or a list, under the name of the node. Names are looked up without regard to case.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Merged => merged ??= MergedView.Of(resolution, out _);

    /// <summary>What a node produced; <c>default</c> if nothing.</summary>
    /// <exception cref="InvalidOperationException">The node failed, or was not run; the message says why. <see cref="Outcome(GraphNode)"/> never throws that.</exception>
    /// <exception cref="KeyNotFoundException">The graph has no such node.</exception>
    public T? Get<T>(Node<T> node)
    {
        ArgumentNullException.ThrowIfNull(node);
        NodeSlot? slot = resolution.Slots[NumberOf(node)];
        if (slot is not { Status: NodeStatus.Succeeded or NodeStatus.FellBack or NodeStatus.Skipped } && slot?.Definition.IsOptional != true)
            throw new InvalidOperationException($"There is nothing to get: {OutcomeOf(NumberOf(node))}.", slot?.Details?.Exception);
        return slot is NodeSlot<T> typed ? typed.Value : (T?)slot.Boxed;
    }

    /// <summary>What a node produced, by name; null if nothing.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such node; the message lists names that are near.</exception>
    public object? this[string name] => resolution.Slots[resolution.Plan.Get(name)]?.Boxed;

    /// <summary>How a node ended.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such node.</exception>
    public NodeOutcome Outcome(GraphNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return OutcomeOf(resolution.Plan.Get(node.Name));
    }

    /// <summary>Makes an object of the merged view: the parameters of its longest public constructor, then its settable properties, by name.</summary>
    /// <exception cref="InvalidOperationException">Something that the constructor needs was not produced, or has another type; the message names it and what there is.</exception>
    public T Merge<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicProperties)] T>()
        => (T)MergedObject.Make(typeof(T), Merged);

    /// <summary>A line for each node: how it ended, and when, if timings are recorded; those on the critical path have a star.</summary>
    public override string ToString() => ContextText.Of(this, resolution);

    internal MergeConflictException? FindConflict()
    {
        merged = MergedView.Of(resolution, out MergeConflictException? conflict);
        return conflict;
    }

    internal NodeOutcome OutcomeOf(int node)
    {
        string name = resolution.Plan.Nodes[node].Name;
        if (resolution.Slots[node] is not { } slot) return new(name, NodeStatus.NotStarted, null, null, 0, default, default, null);
        TimeProvider time = resolution.Plan.Time;
        NodeDetails? details = slot.Details;
        bool isTimed = details is { Started: not 0 } or { Ended: not 0 };
        return new(name, slot.Status, slot.HasSomething ? slot.Boxed : null, details?.Exception, slot.Status == NodeStatus.Skipped ? 0 : details?.Attempts ?? 1,
            isTimed ? time.GetElapsedTime(resolution.Began, details!.Started) : default,
            isTimed && details!.Ended != 0 ? time.GetElapsedTime(details.Started, details.Ended) : default, details?.Without);
    }

    private int NumberOf<T>(Node<T> node)
    {
        int number = node.Definition.LatestNumber;
        if (number < resolution.Plan.Nodes.Length && ReferenceEquals(resolution.Plan.Nodes[number], node.Definition)) return number;
        number = resolution.Plan.Get(node.Name);
        Type type = resolution.Plan.Nodes[number].Type;
        return type.IsAssignableTo(typeof(T)) || Nullable.GetUnderlyingType(typeof(T)) == type ? number
            : throw new InvalidOperationException($"The node {node.Name} of this graph produces {TypeNames.Of(type)}, not {TypeNames.Of(typeof(T))}.");
    }
}

/// <inheritdoc/>
/// <typeparam name="TRequest">The request.</typeparam>
public sealed class Context<TRequest> : Context
{
    private readonly Resolution<TRequest> resolution;

    internal Context(Resolution<TRequest> resolution) : base(resolution) => this.resolution = resolution;

    /// <summary>What was asked for.</summary>
    public TRequest Request => resolution.Request;
}
