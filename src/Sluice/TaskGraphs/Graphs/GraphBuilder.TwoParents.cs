using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using static System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes;

namespace Sluice;

public sealed partial class GraphBuilder<TRequest>
{
    /// <summary>Adds a node that takes what its parents produced; in a graph that is being changed, in the place of the one of this name.</summary>
    /// <param name="name">Its name, unique in the graph.</param>
    /// <param name="first">A parent: the node starts when it has ended.</param>
    /// <param name="second">A parent: the node starts when it has ended.</param>
    /// <param name="function">What it does; given a token where it takes one, which is cancelled when the resolve is, or fails, or a time limit is over.</param>
    /// <returns>The node, for its options, its children and the context.</returns>
    public GraphNode<TOut> Add<T1, T2, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, TOut> function)
        => Add<TOut>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => new(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]))));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<T1, T2, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, Task<TOut>> function)
        => Add<TOut>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => TaskValues.Of(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]))));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    public GraphNode<TOut> Add<T1, T2, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, ValueTask<TOut>> function)
        => Add<TOut>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1])));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<T1, T2, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, CancellationToken, Task<TOut>> function)
        => Add<TOut>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => TaskValues.Of(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]), cancellation)));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    public GraphNode<TOut> Add<T1, T2, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, CancellationToken, ValueTask<TOut>> function)
        => Add<TOut>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]), cancellation));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add<T1, T2>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, Task> function)
        => Add<Unit>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]))));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    public GraphNode<Unit> Add<T1, T2>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, ValueTask> function)
        => Add<Unit>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]))));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add<T1, T2>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, CancellationToken, Task> function)
        => Add<Unit>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]), cancellation)));

    /// <inheritdoc cref="Add{T1, T2, TOut}(string, GraphNode{T1}, GraphNode{T2}, Func{T1, T2, TOut})"/>
    public GraphNode<Unit> Add<T1, T2>(string name, GraphNode<T1> first, GraphNode<T2> second, Func<T1, T2, CancellationToken, ValueTask> function)
        => Add<Unit>(name, [first, second], [typeof(T1), typeof(T2)], function, (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]), cancellation)));
}
