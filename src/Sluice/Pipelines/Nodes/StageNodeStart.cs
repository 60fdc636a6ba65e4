using Sluice.Pipelines;

namespace Sluice;

/// <summary>Makes stages and sinks from node classes.</summary>
public static class StageNode
{
    /// <summary>Makes a stage that has an instance of its own for every run and lane.</summary>
    /// <param name="factory">Makes an instance. Keep constructors light, and open resources in <c>BeginAsync</c>. Also called once to find
    /// the name of the node.</param>
    public static Pipe<TIn, TOut> Of<TIn, TOut>(Func<StageNode<TIn, TOut>> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Pipe<TIn, TOut>.Of(new NodeOperator<TIn, TOut>(factory));
    }

    /// <summary>Makes a sink that has an instance of its own for every run and lane.</summary>
    /// <inheritdoc cref="Of{TIn, TOut}(Func{StageNode{TIn, TOut}})"/>
    public static Sink<T> Of<T>(Func<SinkNode<T>> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Sink<T>.Of(new NodeOperator<T, Unit>(factory));
    }

    /// <summary>Refused: <c>StageNode.Of(new N())</c>.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(CompileErrors.NodeInstance, error: true)]
    public static Pipe<TIn, TOut> Of<TIn, TOut>(StageNode<TIn, TOut> node) => throw CompileErrors.Refused();

    /// <summary>Refused: <c>StageNode.Of(new N())</c>.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(CompileErrors.NodeInstance, error: true)]
    public static Sink<T> Of<T>(SinkNode<T> node) => throw CompileErrors.Refused();
}
