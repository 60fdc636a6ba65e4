using static System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes;

namespace Sluice.Graphs;

public sealed partial class GraphBuilder<TRequest>
{
    /// <summary>Adds a node that takes the request. In a graph that is being changed, it replaces the node of this name.</summary>
    /// <param name="name">The name of the node, unique in the graph.</param>
    /// <param name="function">The function of the node. If it takes a token, the token is cancelled when the resolve is cancelled or fails,
    /// and when a time limit is over.</param>
    /// <returns>The node: set its options, make it a parent, or read its result from the context.</returns>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, TOut> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => new(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, Task<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) =>
        TaskValues.Of(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, ValueTask<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => function(((GraphContext<TRequest>)context).Request));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name,
        Func<TRequest, CancellationToken, Task<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) =>
        TaskValues.Of(function(((GraphContext<TRequest>)context).Request, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name,
        Func<TRequest, CancellationToken, ValueTask<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => function(((GraphContext<TRequest>)context).Request,
        cancellation));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, Func<TRequest, Task> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) =>
        TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<Unit> Add(string name, Func<TRequest, ValueTask> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) =>
        TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, Func<TRequest, CancellationToken, Task> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) =>
        TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<Unit> Add(string name, Func<TRequest, CancellationToken, ValueTask> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) =>
        TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request, cancellation)));
}
