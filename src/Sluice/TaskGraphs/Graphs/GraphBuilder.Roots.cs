using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using static System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes;

namespace Sluice;

public sealed partial class GraphBuilder<TRequest>
{
    /// <summary>Adds a node that takes the request; in a graph that is being changed, in the place of the one of this name.</summary>
    /// <param name="name">Its name, unique in the graph.</param>
    /// <param name="function">What it does; given a token where it takes one, which is cancelled when the resolve is, or fails, or a time limit is over.</param>
    /// <returns>The node, for its options, its children and the context.</returns>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, TOut> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => new(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, Task<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => TaskValues.Of(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, ValueTask<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => function(((GraphContext<TRequest>)context).Request));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, CancellationToken, Task<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => TaskValues.Of(function(((GraphContext<TRequest>)context).Request, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, Func<TRequest, CancellationToken, ValueTask<TOut>> function)
        => Add<TOut>(name, [], [], function, (context, parents, cancellation) => function(((GraphContext<TRequest>)context).Request, cancellation));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, Func<TRequest, Task> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<Unit> Add(string name, Func<TRequest, ValueTask> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, Func<TRequest, CancellationToken, Task> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, Func{TRequest, TOut})"/>
    public GraphNode<Unit> Add(string name, Func<TRequest, CancellationToken, ValueTask> function)
        => Add<Unit>(name, [], [], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(((GraphContext<TRequest>)context).Request, cancellation)));
}
