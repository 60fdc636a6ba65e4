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
    public Node<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(
        string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, CancellationToken, ValueTask<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => function((Context<TRequest>)context, cancellation));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(2)]
    public Node<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, CancellationToken, Task<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.Of(function((Context<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(1)]
    public Node<Nothing> Add(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, CancellationToken, Task> function)
        => Add<Nothing>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((Context<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public Node<Nothing> Add(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, CancellationToken, ValueTask> function)
        => Add<Nothing>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((Context<TRequest>)context, cancellation)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public Node<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, TOut> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => new(function((Context<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(2)]
    public Node<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, Task<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.Of(function((Context<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public Node<TOut> Add<[DynamicallyAccessedMembers(PublicProperties)] TOut>(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, ValueTask<TOut>> function)
        => Add<TOut>(name, [.. parents], null, function, (context, _, cancellation) => function((Context<TRequest>)context));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    [OverloadResolutionPriority(1)]
    public Node<Nothing> Add(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, Task> function)
        => Add<Nothing>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((Context<TRequest>)context)));

    /// <inheritdoc cref="Add{TOut}(string, IEnumerable{GraphNode}, Func{Context{TRequest}, CancellationToken, ValueTask{TOut}})"/>
    public Node<Nothing> Add(string name, IEnumerable<GraphNode> parents, Func<Context<TRequest>, ValueTask> function)
        => Add<Nothing>(name, [.. parents], null, function, (context, _, cancellation) => TaskValues.NothingAsync(function((Context<TRequest>)context)));
}
