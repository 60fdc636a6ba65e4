using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>A node of a <see cref="Graph{TRequest}"/>: its handle, by which others depend on it, and by which a <see cref="GraphContext"/> is asked for what it produced.</summary>
/// <remarks>
/// Made by a <see cref="GraphBuilder{TRequest}"/>. Its options are set before the graph is built; a node of a built graph does not change any
/// more, but another graph may have it with other ones (<see cref="GraphBuilder{TRequest}.Get"/>). Then it may be used from any thread.
/// </remarks>
public abstract class GraphNode
{
    private protected GraphNode(NodeDefinition definition) => Definition = definition;

    /// <summary>The node's name, unique in its graph.</summary>
    public string Name => Definition.Name;

    internal NodeDefinition Definition { get; }

    /// <summary>The name.</summary>
    public override string ToString() => Name == NodeDefinition.OfRequest ? "the request" : Name;
}

/// <inheritdoc/>
/// <typeparam name="T">What the node produces.</typeparam>
[UnconditionalSuppressMessage("Trimming", "IL2091", Justification = "A handle is made with the definition that it holds, by code whose T says that its properties are needed.")]
public sealed class GraphNode<T> : GraphNode
{
    private readonly NodeDefinition<T> definition;

    internal GraphNode(NodeDefinition<T> definition) : base(definition) => this.definition = definition;

    internal static GraphNode<T> Of(NodeDefinition definition)
        => definition is NodeDefinition<T> known ? new(known)
            : throw new InvalidOperationException($"The node {definition.Name} produces {TypeNames.Of(definition.Type)}, not {TypeNames.Of(typeof(T))}.");

    /// <summary>
    /// An attempt that takes longer fails with a <see cref="TimeoutException"/>, and its token is cancelled; one that does not heed that is left behind. The wait for a place
    /// (<see cref="Limit"/>) is not counted. What holds its thread until it has ended cannot be left, so a function that never waits has not taken too long.
    /// </summary>
    /// <param name="limit">More than zero, 49 days at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    /// <exception cref="InvalidOperationException">The graph is built already; that goes for all options.</exception>
    public GraphNode<T> Timeout(TimeSpan limit)
    {
        Waits.CheckLimit(limit);
        return Set(() => definition.Policy = definition.Policy with { Timeout = limit });
    }

    /// <summary>Tries again after a failure.</summary>
    /// <param name="retries">How many attempts beyond the first; 0 or more.</param>
    /// <param name="backoff">How long to wait in between; not at all unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public GraphNode<T> Retry(int retries, Backoff? backoff = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        return Set(() => definition.Policy = definition.Policy with { Retries = retries, Backoff = backoff ?? Backoff.None });
    }

    /// <summary>If the node fails, the context says so, and its children receive nothing from it: <c>default</c>.</summary>
    public GraphNode<T> Optional() => Set(() => definition.IsOptional = true);

    /// <summary>If the node fails, this takes the place of what it would have produced; the context says so.</summary>
    public GraphNode<T> Fallback(T value) => Fallback(_ => value);

    /// <inheritdoc cref="Fallback(T)"/>
    /// <param name="value">Makes it of the failure. If that throws, the node has failed with what it throws.</param>
    public GraphNode<T> Fallback(Func<Exception, T> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Set(() => definition.Fallback = value);
    }

    /// <summary>At most so many calls of this node at a time, in all resolves of all graphs that it is part of; the others wait.</summary>
    /// <param name="concurrency">1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public GraphNode<T> Limit(int concurrency)
    {
        var places = new CallConcurrencyLimit(concurrency);
        return Set(() => definition.Places = places);
    }

    /// <summary>Without something from these parents the node is skipped, and so produces nothing itself.</summary>
    /// <param name="parents">Some of its parents; all of them if none are given.</param>
    /// <exception cref="ArgumentException">One of them is no parent of this node.</exception>
    public GraphNode<T> Needs(params GraphNode[] parents)
    {
        ArgumentNullException.ThrowIfNull(parents);
        return Set(() =>
        {
            foreach (GraphNode parent in parents)
                if (!definition.TryNeed(parent.Name)) throw new ArgumentException($"{parent} is no parent of {Name}. Its parents are: {definition.DescribeParents()}.", nameof(parents));
            if (parents.Length == 0) definition.NeedAll();
        });
    }

    private GraphNode<T> Set(Action change)
    {
        if (Name == NodeDefinition.OfRequest) throw new InvalidOperationException("The request is no node, and has no options: set them where the node is that takes it.");
        if (definition.IsBuilt)
            throw new InvalidOperationException($"The graph of {Name} is built: its nodes do not change any more. Set options before Build, or make another graph: graph.With(changed => changed.Get<{TypeNames.Of(typeof(T))}>(\"{Name}\").…).");
        change();
        return this;
    }
}
