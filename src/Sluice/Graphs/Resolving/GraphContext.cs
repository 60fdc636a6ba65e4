using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>The result of one resolve of a graph: the value and the outcome of each node, and all values merged by name.</summary>
/// <remarks>Immutable and thread-safe once the resolve has ended. During the resolve, a node may ask it for its parents.</remarks>
public abstract partial class GraphContext
{
    private const string Asked = "the result of ";

    /// <summary>The graph; with times and the critical path if timings are recorded.</summary>
    public Topology Topology => !RecordsTimings ? Plan.Topology : isComplete ? Details.Timed ??= Timed() : Timed();

    /// <summary>Whether timings are recorded: by the options, or because the graph is watched.</summary>
    public bool HasTimings => RecordsTimings;

    /// <summary>The duration of the resolve, during the resolve the time so far; zero unless timings are recorded.</summary>
    public TimeSpan Elapsed => !RecordsTimings ? default
        : Plan.Time.GetElapsedTime(Details.Began, isComplete ? Details.Over : Plan.Time.GetTimestamp());

    /// <summary>The outcome of each node, in topological order.</summary>
    public IReadOnlyList<NodeOutcome> Outcomes => [.. Enumerable.Range(0, Plan.Nodes.Length).Select(OutcomeOf)];

    /// <summary>The values of the nodes without children, by name, except for those that produced nothing.</summary>
    public IReadOnlyDictionary<string, object> Leaves
        => Enumerable.Range(0, Plan.Nodes.Length).Where(node => Plan.Children[node].Length == 0 && Boxed(node) is not null)
            .ToDictionary(node => Plan.Nodes[node].Name, node => Boxed(node)!, StringComparer.Ordinal);

    /// <summary>All values, by name. Names ignore case. During a resolve: the values so far.</summary>
    /// <remarks>
    /// A dictionary with text keys adds its entries. Any other class or struct outside of the base library (<c>System.…</c>) adds the
    /// public properties of the node's type (<c>title</c> for <c>Title</c>).
    /// Any other value, such as a number, a text, a tuple or a list, has the name of its node.
    /// </remarks>
    /// <exception cref="MergeConflictException">Two nodes have produced different values of one name, and
    /// <see cref="GraphOptions.LastWins"/> is not set.</exception>
    /// <exception cref="NodeFailedException">The getter of a property, or the comparison of two values, has thrown; the message names it.
    /// </exception>
    public IReadOnlyDictionary<string, object?> Merged => isComplete ? Details.Merged ??= MergedView.Of(this) : MergedView.Of(this);

    /// <summary>Gets the value of a node; <c>default</c> if it produced nothing.</summary>
    /// <exception cref="InvalidOperationException">The node failed or did not run; the message says why. <see cref="Outcome(GraphNode)"/>
    /// does not throw it.</exception>
    /// <exception cref="KeyNotFoundException">The graph has no such node.</exception>
    /// <exception cref="ArgumentException">The node is of another graph, and this one has a node of its name, too.</exception>
    [UnconditionalSuppressMessage("Trimming", "IL2091", Justification = "The type of the node is compared, and no member of it is used.")]
    public T? Get<T>(GraphNode<T> node)
    {
        ArgumentNullException.ThrowIfNull(node);
        int number = Plan.NumberOf(node, Asked);
        NodeDefinition definition = Plan.Nodes[number];
        ref Slot slot = ref slots[number];
        if (!slot.HasValue)
            return slot.Status == NodeStatus.Skipped || (definition.IsOptional && slot.Status == NodeStatus.Failed) ? default
                : throw new InvalidOperationException($"There is nothing to get: {OutcomeOf(number)}.{IfNoParent(node, slot.Status)}",
                    FindDetails(number)?.Exception);
        return definition is NodeDefinition<T> ? Slot.Get<T>(ref slot) : (T?)definition.Box(ref slot);
    }

    /// <summary>The value of a node, by name; null if it produced nothing.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such node; the message lists similar names.</exception>
    public object? this[string name] => Boxed(Plan.Get(name));

    /// <summary>Gets the outcome of a node.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such node.</exception>
    /// <exception cref="ArgumentException">The node is of another graph, and this one has a node of its name, too.</exception>
    public NodeOutcome Outcome(GraphNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return OutcomeOf(Plan.NumberOf(node, Asked));
    }

    /// <summary>
    /// Makes an object from the merged values, by name: the parameters of its longest public constructor, then its settable properties.
    /// </summary>
    /// <remarks>A property without a value keeps its default, unless it is <c>required</c>.</remarks>
    /// <exception cref="MergeConflictException">Two nodes have produced different values of one name (<see cref="Merged"/>).</exception>
    /// <exception cref="InvalidOperationException">A value for the constructor or a <c>required</c> property is missing, or has another
    /// type; the message says which.</exception>
    public T Merge<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.PublicProperties)] T>()
        => (T)MergedObject.Make(typeof(T), Merged);

    /// <summary>One line per node with its outcome, and its times if recorded. A star marks the critical path.</summary>
    public override string ToString() => ContextText.Of(this);

    internal NodeOutcome OutcomeOf(int node)
    {
        string name = Plan.Nodes[node].Name;
        NodeStatus status = StatusOf(node);
        if (status == NodeStatus.NotStarted) return new(name, status, null, null, 0, default, default, null);
        TimeProvider time = Plan.Time;
        NodeDetails? details = FindDetails(node);
        bool isTimed = details is { Started: not 0 } or { Ended: not 0 };
        return new(name, status, Boxed(node), details?.Exception, status == NodeStatus.Skipped ? 0 : details?.Attempts ?? 1,
            isTimed ? time.GetElapsedTime(this.details!.Began, details!.Started) : default,
            isTimed && details!.Ended != 0 ? time.GetElapsedTime(details.Started, details.Ended) : default, details?.Without);
    }

    private NodeStatus StatusOf(int node)
    {
        NodeStatus status = slots[node].Status;
        return status == NodeStatus.Succeeded && FindDetails(node) is { HasFallenBack: true } ? NodeStatus.FellBack : status;
    }

    /// <summary>Whether its children receive a value.</summary>
    internal bool HasSomething(int node) => slots[node].HasValue && Plan.Nodes[node].HasSomething(ref slots[node]);

    /// <summary>Its value; null if it produced nothing or has not ended.</summary>
    internal object? Boxed(int node) => slots[node].HasValue ? Plan.Nodes[node].Box(ref slots[node]) : null;

    private Topology Timed() => Plan.Topology.WithTimes(node => TimeOf(OutcomeOf(Plan.Get(Plan.Topology.Nodes[node].Name))));

    private static NodeTime? TimeOf(NodeOutcome outcome) => outcome.Status switch
    {
        NodeStatus.NotStarted => null,
        NodeStatus.Succeeded => new(outcome.Started, outcome.Elapsed, outcome.Attempts > 1 ? $"{outcome.Attempts} attempts" : null),
        NodeStatus.FellBack => new(outcome.Started, outcome.Elapsed, "fell back"),
        var status => new(outcome.Started, outcome.Elapsed, status.ToString().ToLowerInvariant()),
    };

    private string IfNoParent(GraphNode node, NodeStatus status)
    {
        var mayStillCome = status is NodeStatus.NotStarted or NodeStatus.Running;

        return isComplete || !mayStillCome
            ? "" : $" During a resolve, a node may ask for its parents and their ancestors only: is {node.Name} in the list of its parents?";
    }
}

/// <inheritdoc/>
/// <typeparam name="TRequest">The type of the request.</typeparam>
public sealed class GraphContext<TRequest> : GraphContext
{
    private readonly ContextPool<TRequest>? pool;    // null if the caller gets the context

    internal GraphContext(GraphPlan plan, TRequest request, CancellationToken caller, ContextPool<TRequest>? pool = null)
        : base(plan, caller)
    {
        this.pool = pool;
        SetRequest(request);
    }

    /// <summary>The request.</summary>
    public TRequest Request { get; private set; }

    internal ValueTask<GraphContext<TRequest>> ResolveAsync()
    {
        if (Run() is { } resolution) return ((Resolution<TRequest>)resolution).Task;
        return Problem() is { } problem ? FailedAsync<GraphContext<TRequest>>(problem) : new(this);
    }

    /// <summary>Resolves for a caller who gets the value of one node.</summary>
    internal ValueTask<T?> ResolveAsync<T>(ContextPool<TRequest, T> values)
    {
        if (Run() is { } resolution) return ((ValueResolution<TRequest, T>)resolution).Task;
        return Problem() is { } problem ? FailedAsync<T?>(problem) : new(values.Take(this));
    }

    /// <summary>Prepares a cleared context for another resolve.</summary>
    internal void Begin(TRequest request, CancellationToken caller)
    {
        Begin(caller);
        SetRequest(request);
    }

    /// <inheritdoc cref="GraphContext.TryClear"/>
    internal bool TryLetGo()
    {
        if (!TryClear()) return false;
        Request = default!;
        return true;
    }

    [MemberNotNull(nameof(Request))]
    private void SetRequest(TRequest request)
    {
        Request = request!;
        if (Plan.TakesRequest) SlotOf(Plan.Nodes.Length).Set(request);
    }

    private protected override Resolution NewResolution() => pool is null ? new Resolution<TRequest>(this) : pool.NewResolution(this);
}
