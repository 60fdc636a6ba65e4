using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using static System.Diagnostics.CodeAnalysis.DynamicallyAccessedMemberTypes;

namespace Sluice;

public sealed partial class GraphBuilder<TRequest>
{
    /// <summary>Adds a node with any number of parents, which it asks the context for, as it may ask for the request.</summary>
    /// <param name="name">Its name, unique in the graph.</param>
    /// <param name="parents">The node starts when all of them have ended.</param>
    /// <param name="function">What it does; it may ask the context for what its parents, and theirs, produced, but not for others, which may not have ended.</param>
    /// <returns>The node, for its options, its children and the context.</returns>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(
        string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, CancellationToken, ValueTask<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => function((GraphContext<TRequest>)context, cancellation));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, CancellationToken, Task<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.Of(function((GraphContext<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, CancellationToken, Task> function)
        => Add<Unit>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, CancellationToken, ValueTask> function)
        => Add<Unit>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, TOut> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => new(function((GraphContext<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(2)]
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, Task<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.Of(function((GraphContext<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, ValueTask<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => function((GraphContext<TRequest>)context));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(1)]
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, Task> function)
        => Add<Unit>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{GraphContext{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public GraphNode<Unit> Add(string name, IEnumerable<GraphNode> parents, Func<GraphContext<TRequest>, ValueTask> function)
        => Add<Unit>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((GraphContext<TRequest>)context)));
}
