using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>
/// A node of a <see cref="Graph{TRequest}"/>: the handle for children, options, and values in a <see cref="GraphContext"/>.
/// </summary>
/// <remarks>
/// A <see cref="GraphBuilder{TRequest}"/> makes it. Set its options before the graph is built; then it is immutable and thread-safe.
/// Another graph can have the node with other options (<see cref="GraphBuilder{TRequest}.Get"/>).
/// </remarks>
public abstract class GraphNode
{
    private protected GraphNode(NodeDefinition definition) => Definition = definition;

    /// <summary>The name of the node, unique in its graph.</summary>
    public string Name => Definition.Name;

    internal NodeDefinition Definition { get; }

    /// <summary>The name of the node.</summary>
    public override string ToString() => Name == NodeDefinition.OfRequest ? "the request" : Name;
}

/// <inheritdoc/>
/// <typeparam name="T">The type of the node's value.</typeparam>
[UnconditionalSuppressMessage("Trimming", "IL2091",
    Justification = "A handle is made with the definition that it holds, by code whose T says that its properties are needed.")]
public sealed class GraphNode<T> : GraphNode
{
    private readonly NodeDefinition<T> definition;

    internal GraphNode(NodeDefinition<T> definition) : base(definition) => this.definition = definition;

    internal static GraphNode<T> Of(NodeDefinition definition)
        => definition is NodeDefinition<T> known ? new(known)
            : throw new InvalidOperationException(
            $"The node {definition.Name} produces {TypeNames.Of(definition.Type)}, not {TypeNames.Of(typeof(T))}.");

    /// <summary>
    /// Limits the time of an attempt. A longer one fails with a <see cref="TimeoutException"/>, whatever it throws then, and its token is
    /// cancelled.
    /// </summary>
    /// <remarks>
    /// A function that ignores its token is abandoned. The wait for a concurrency limit (<see cref="Limit"/>) does not count.
    /// A function that blocks its thread cannot be abandoned: the attempt fails when the function returns, if that is too late.
    /// </remarks>
    /// <param name="limit">The time limit; more than zero, 49 days at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    /// <exception cref="InvalidOperationException">The graph is built already; true of all options.</exception>
    public GraphNode<T> Timeout(TimeSpan limit)
    {
        Waits.CheckLimit(limit);
        return Set(() => definition.Policy = definition.Policy with { Timeout = limit });
    }

    /// <summary>Retries the node after a failure.</summary>
    /// <param name="retries">The number of retries after the first attempt, at least 0.</param>
    /// <param name="backoff">The pauses between attempts; default none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public GraphNode<T> Retry(int retries, Backoff? backoff = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        return Set(() => definition.Policy = definition.Policy with { Retries = retries, Backoff = backoff ?? Backoff.None });
    }

    /// <summary>
    /// Lets the resolve go on if the node fails: its children receive <c>default</c>, and the outcome says that it failed.
    /// </summary>
    public GraphNode<T> Optional() => Set(() => definition.IsOptional = true);

    /// <summary>Replaces the value if the node fails. The outcome says that it fell back.</summary>
    public GraphNode<T> Fallback(T value) => Fallback(_ => value);

    /// <inheritdoc cref="Fallback(T)"/>
    /// <param name="value">Makes the replacement from the failure. If it throws, the node has failed with that.</param>
    public GraphNode<T> Fallback(Func<Exception, T> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Set(() => definition.Fallback = value);
    }

    /// <summary>Limits the concurrent calls of this node, in all resolves of all graphs that have it. Further calls wait.</summary>
    /// <param name="concurrency">The largest number of concurrent calls, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public GraphNode<T> Limit(int concurrency)
    {
        var places = new CallConcurrencyLimit(concurrency);
        return Set(() => definition.Places = places);
    }

    /// <summary>Skips the node if one of these parents produced nothing; then the node produces nothing, either.</summary>
    /// <param name="parents">Some of its parents; all of them if none are given.</param>
    /// <exception cref="ArgumentException">One of them is no parent of this node.</exception>
    public GraphNode<T> Needs(params GraphNode[] parents)
    {
        ArgumentNullException.ThrowIfNull(parents);
        return Set(() =>
        {
            foreach (GraphNode parent in parents)
                if (!definition.TryNeed(parent.Name)) throw new ArgumentException(
                    $"{parent} is no parent of {Name}. Its parents are: {definition.DescribeParents()}.", nameof(parents));
            if (parents.Length == 0) definition.NeedAll();
        });
    }

    private GraphNode<T> Set(Action change)
    {
        if (Name == NodeDefinition.OfRequest) throw new InvalidOperationException(
            "The request is no node, and has no options: set them where the node is that takes it.");
        if (definition.IsBuilt)
            throw new InvalidOperationException(
                $"The graph of {Name} is built: its nodes do not change any more. Set options before Build, or make another graph: "
                    + $"graph.With(changed => changed.Get<{TypeNames.Of(typeof(T))}>(\"{Name}\").…).");
        change();
        return this;
    }
}
