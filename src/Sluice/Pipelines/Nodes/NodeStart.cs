using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Makes pieces of pipelines out of node classes.</summary>
public static class Node
{
    /// <summary>A stage with an instance of its own for every run and lane.</summary>
    /// <param name="factory">Makes an instance; keep constructors light, and open things in <c>BeginAsync</c>. Also called once to find the node's name.</param>
    public static Pipe<TIn, TOut> Of<TIn, TOut>(Func<Node<TIn, TOut>> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Pipe<TIn, TOut>.Of(new NodeOperator<TIn, TOut>(factory));
    }

    /// <summary>A sink with an instance of its own for every run and lane.</summary>
    /// <inheritdoc cref="Of{TIn, TOut}(Func{Node{TIn, TOut}})"/>
    public static Sink<T> Of<T>(Func<SinkNode<T>> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Sink<T>.Of(new NodeOperator<T, Nothing>(factory));
    }

    /// <summary>Refused: <c>Node.Of(new N())</c>.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(Misfit.NodeInstance, error: true)]
    public static Pipe<TIn, TOut> Of<TIn, TOut>(Node<TIn, TOut> node) => throw Misfit.Refused();

    /// <summary>Refused: <c>Node.Of(new N())</c>.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(Misfit.NodeInstance, error: true)]
    public static Sink<T> Of<T>(SinkNode<T> node) => throw Misfit.Refused();
}
