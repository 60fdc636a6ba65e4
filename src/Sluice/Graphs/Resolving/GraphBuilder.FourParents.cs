using static System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes;

namespace Sluice.Graphs;

[AlsoWithFewer(downTo: 1)]
public sealed partial class GraphBuilder<TRequest>
{
    /// <summary>Adds a node that takes the results of its four parents. In a graph that is being changed, it replaces the node of this
    /// name.</summary>
    /// <param name="name">The name of the node, unique in the graph.</param>
    /// <param name="first">The first parent. The node starts when all parents have ended.</param>
    /// <param name="second">The second parent. The node starts when all parents have ended.</param>
    /// <param name="third">The third parent. The node starts when all parents have ended.</param>
    /// <param name="fourth">The fourth parent. The node starts when all parents have ended.</param>
    /// <param name="function">The function of the node. If it takes a token, the token is cancelled when the resolve is cancelled or fails,
    /// and when a time limit is over.</param>
    /// <returns>The node: set its options, make it a parent, or read its result from the context.</returns>
    public GraphNode<TOut> Add<T1, T2, T3, T4, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first,
        GraphNode<T2> second, GraphNode<T3> third, GraphNode<T4> fourth, Func<T1, T2, T3, T4, TOut> function)
        => Add<TOut>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => new(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]))));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<T1, T2, T3, T4, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first,
        GraphNode<T2> second, GraphNode<T3> third, GraphNode<T4> fourth, Func<T1, T2, T3, T4, Task<TOut>> function)
        => Add<TOut>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => TaskValues.Of(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]))));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    public GraphNode<TOut> Add<T1, T2, T3, T4, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first,
        GraphNode<T2> second, GraphNode<T3> third, GraphNode<T4> fourth, Func<T1, T2, T3, T4, ValueTask<TOut>> function)
        => Add<TOut>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3])));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<T1, T2, T3, T4, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first,
        GraphNode<T2> second, GraphNode<T3> third, GraphNode<T4> fourth, Func<T1, T2, T3, T4, CancellationToken, Task<TOut>> function)
        => Add<TOut>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => TaskValues.Of(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]), cancellation)));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    public GraphNode<TOut> Add<T1, T2, T3, T4, [DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, GraphNode<T1> first,
        GraphNode<T2> second, GraphNode<T3> third, GraphNode<T4> fourth, Func<T1, T2, T3, T4, CancellationToken, ValueTask<TOut>> function)
        => Add<TOut>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]), cancellation));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add<T1, T2, T3, T4>(string name, GraphNode<T1> first, GraphNode<T2> second, GraphNode<T3> third,
        GraphNode<T4> fourth, Func<T1, T2, T3, T4, Task> function)
        => Add<Unit>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]))));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    public GraphNode<Unit> Add<T1, T2, T3, T4>(string name, GraphNode<T1> first, GraphNode<T2> second, GraphNode<T3> third,
        GraphNode<T4> fourth, Func<T1, T2, T3, T4, ValueTask> function)
        => Add<Unit>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]))));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add<T1, T2, T3, T4>(string name, GraphNode<T1> first, GraphNode<T2> second, GraphNode<T3> third,
        GraphNode<T4> fourth, Func<T1, T2, T3, T4, CancellationToken, Task> function)
        => Add<Unit>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]), cancellation)));

    /// <inheritdoc cref="Add{T1, T2, T3, T4, TOut}(string, GraphNode{T1}, GraphNode{T2}, GraphNode{T3}, GraphNode{T4},
    /// Func{T1, T2, T3, T4, TOut})"/>
    public GraphNode<Unit> Add<T1, T2, T3, T4>(string name, GraphNode<T1> first, GraphNode<T2> second, GraphNode<T3> third,
        GraphNode<T4> fourth, Func<T1, T2, T3, T4, CancellationToken, ValueTask> function)
        => Add<Unit>(name, [first, second, third, fourth], [typeof(T1), typeof(T2), typeof(T3), typeof(T4)], function,
        (context, parents, cancellation) => TaskValues.NothingAsync(function(context.Value<T1>(parents[0]), context.Value<T2>(parents[1]),
            context.Value<T3>(parents[2]), context.Value<T4>(parents[3]), cancellation)));
}
