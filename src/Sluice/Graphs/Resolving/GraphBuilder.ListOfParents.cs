using static System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes;

namespace Sluice.Graphs;

public sealed partial class GraphBuilder<TRequest>
{
    /// <summary>Adds a node with any number of parents. Its function gets their values from the context.</summary>
    /// <param name="name">The name of the node, unique in the graph.</param>
    /// <param name="parents">The parents; the node starts when all of them have ended.</param>
    /// <param name="function">The function of the node. From the context it may get the values of its parents, the values of their
    /// ancestors, and the request; other nodes may not have ended.</param>
    /// <returns>The node: set its options, make it a parent, or read its result from the context.</returns>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(
        string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, CancellationToken, ValueTask<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function,
        (context, _, cancellation) => function((GraphContext<TRequest>)context, cancellation));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents,
        Func<GraphContext<TRequest>, CancellationToken, Task<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function,
        (context, _, cancellation) => TaskValues.Of(function((GraphContext<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, CancellationToken, Task> function)
        => Add<Unit>(name, [.. parents], null, function,
        (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents,
        Func<GraphContext<TRequest>, CancellationToken, ValueTask> function)
        => Add<Unit>(name, [.. parents], null, function,
        (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents,
        Func<GraphContext<TRequest>, TOut> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => new(function((GraphContext<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents,
        Func<GraphContext<TRequest>, Task<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function,
        (context, _, cancellation) => TaskValues.Of(function((GraphContext<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents,
        Func<GraphContext<TRequest>, ValueTask<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => function((GraphContext<TRequest>)context));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, Task> function)
        => Add<Unit>(name, [.. parents], null, function,
        (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, ValueTask> function)
        => Add<Unit>(name, [.. parents], null, function,
        (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context)));
}
