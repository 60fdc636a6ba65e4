using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>What came out of one resolve of a graph: what each node produced, how it ended, and all of it merged by name.</summary>
/// <remarks>Does not change any more once the resolve has ended; then it may be read by any thread. Within a resolve, a node may ask it for its parents.</remarks>
public abstract partial class GraphContext
{
    private Dictionary<string, object?>? merged;
    private Topology? timed;

    /// <summary>The graph; with the times of its nodes and its critical path, if timings are recorded.</summary>
    public Topology Topology => !RecordsTimings ? Plan.Topology : isComplete ? timed ??= Timed() : Timed();

    /// <summary>How long the resolve took; zero unless timings are recorded.</summary>
    public TimeSpan Elapsed => details is { } known ? Plan.Time.GetElapsedTime(known.Began, known.Over) : default;

    /// <summary>How each node ended, in topological order.</summary>
    public IReadOnlyList<NodeOutcome> Outcomes => [.. Enumerable.Range(0, Plan.Nodes.Length).Select(OutcomeOf)];

    /// <summary>What the nodes without children have produced, by name; those that produced nothing are not in it.</summary>
    public IReadOnlyDictionary<string, object> Leaves
        => Enumerable.Range(0, Plan.Nodes.Length).Where(node => Plan.Children[node].Length == 0 && Boxed(node) is not null)
            .ToDictionary(node => Plan.Nodes[node].Name, node => Boxed(node)!, StringComparer.Ordinal);

    /// <summary>
    /// Everything that was produced, by name: the entries of a dictionary with text keys; of any other class or structure that is not of the base library (<c>System.…</c>), record or
    /// not, the public properties of the type that the node has (<c>title</c> for <c>Title</c>); anything else, such as a number, a text, a tuple or a list, under the name of the
    /// node. Names are looked up without regard to case.
    /// </summary>
    /// <remarks>Read by a node while the graph is resolved, it has what was produced so far.</remarks>
    /// <exception cref="NodeFailedException">The getter of a property has thrown: the message names it.</exception>
    public IReadOnlyDictionary<string, object?> Merged => isComplete ? merged ??= MergedView.Of(this, out _) : MergedView.Of(this, out _);

    /// <summary>What a node produced; <c>default</c> if nothing.</summary>
    /// <exception cref="InvalidOperationException">The node failed, or was not run; the message says why. <see cref="Outcome(GraphNode)"/> never throws that.</exception>
    /// <exception cref="KeyNotFoundException">The graph has no such node.</exception>
    public T? Get<T>(GraphNode<T> node)
    {
        ArgumentNullException.ThrowIfNull(node);
        int number = NumberOf(node);
        NodeDefinition definition = Plan.Nodes[number];
        ref Slot slot = ref slots[number];
        if (!slot.HasValue)
            return slot.Status == NodeStatus.Skipped || (definition.IsOptional && slot.Status == NodeStatus.Failed) ? default
                : throw new InvalidOperationException($"There is nothing to get: {OutcomeOf(number)}.", FindDetails(number)?.Exception);
        return definition is NodeDefinition<T> ? Slot.Get<T>(ref slot) : (T?)definition.Box(ref slot);
    }

    /// <summary>What a node produced, by name; null if nothing.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such node; the message lists names that are near.</exception>
    public object? this[string name] => Boxed(Plan.Get(name));

    /// <summary>How a node ended.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such node.</exception>
    public NodeOutcome Outcome(GraphNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return OutcomeOf(Plan.Get(node.Name));
    }

    /// <summary>
    /// Makes an object of the merged view, by name: the parameters of its longest public constructor, then its settable properties. A property that nothing produced stays as it is,
    /// unless it is <c>required</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">Something that the constructor or a <c>required</c> property needs was not produced, or a value has another type; the message names it and what there is.</exception>
    public T Merge<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicProperties)] T>()
        => (T)MergedObject.Make(typeof(T), Merged);

    /// <summary>A line for each node: how it ended, and when, if timings are recorded; those on the critical path have a star.</summary>
    public override string ToString() => ContextText.Of(this);

    internal MergeConflictException? FindConflict()
    {
        merged = MergedView.Of(this, out MergeConflictException? conflict);
        return conflict;
    }

    internal NodeOutcome OutcomeOf(int node)
    {
        string name = Plan.Nodes[node].Name;
        NodeStatus status = slots[node].Status;
        if (status == NodeStatus.NotStarted) return new(name, status, null, null, 0, default, default, null);
        TimeProvider time = Plan.Time;
        NodeDetails? details = FindDetails(node);
        bool isTimed = details is { Started: not 0 } or { Ended: not 0 };
        return new(name, status, Boxed(node), details?.Exception, status == NodeStatus.Skipped ? 0 : details?.Attempts ?? 1,
            isTimed ? time.GetElapsedTime(this.details!.Began, details!.Started) : default,
            isTimed && details!.Ended != 0 ? time.GetElapsedTime(details.Started, details.Ended) : default, details?.Without);
    }

    /// <summary>Whether children receive something from it.</summary>
    internal bool HasSomething(int node) => slots[node].HasValue && Plan.Nodes[node].HasSomething(ref slots[node]);

    /// <summary>What it has produced; null if nothing, or if it has not ended.</summary>
    internal object? Boxed(int node) => slots[node].HasValue ? Plan.Nodes[node].Box(ref slots[node]) : null;

    private Topology Timed() => Plan.Topology.WithTimes(node => TimeOf(OutcomeOf(Plan.Get(Plan.Topology.Nodes[node].Name))));

    private static NodeTime? TimeOf(NodeOutcome outcome) => outcome.Status switch
    {
        NodeStatus.NotStarted => null,
        NodeStatus.Succeeded => new(outcome.Started, outcome.Elapsed, outcome.Attempts > 1 ? $"{outcome.Attempts} attempts" : null),
        NodeStatus.FellBack => new(outcome.Started, outcome.Elapsed, "fell back"),
        var status => new(outcome.Started, outcome.Elapsed, status.ToString().ToLowerInvariant()),
    };

    private int NumberOf<T>(GraphNode<T> node)
    {
        int number = node.Definition.LatestNumber;
        if (number < Plan.Nodes.Length && ReferenceEquals(Plan.Nodes[number], node.Definition)) return number;
        number = Plan.Get(node.Name);
        Type type = Plan.Nodes[number].Type;
        return type.IsAssignableTo(typeof(T)) || Nullable.GetUnderlyingType(typeof(T)) == type ? number
            : throw new InvalidOperationException($"The node {node.Name} of this graph produces {TypeNames.Of(type)}, not {TypeNames.Of(typeof(T))}.");
    }
}

/// <inheritdoc/>
/// <typeparam name="TRequest">The request.</typeparam>
public sealed class GraphContext<TRequest> : GraphContext
{
    internal GraphContext(GraphPlan plan, TRequest request, CancellationToken caller) : base(plan, caller)
    {
        Request = request;
        if (plan.TakesRequest) SlotOf(plan.Nodes.Length).Set(request);
    }

    /// <summary>What was asked for.</summary>
    public TRequest Request { get; }

    internal ValueTask<GraphContext<TRequest>> ResolveAsync()
    {
        if (Run() is { } resolution) return ((Resolution<TRequest>)resolution).Task;
        return Problem() is { } problem ? ValueTask.FromException<GraphContext<TRequest>>(problem) : new(this);
    }

    private protected override Resolution NewResolution() => new Resolution<TRequest>(this);
}
