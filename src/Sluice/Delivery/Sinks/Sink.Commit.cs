using Sluice.Delivery;

namespace Sluice;

public static partial class Sink
{
    /// <summary>A sink that takes part in the commits of a consecutor (<see cref="TransactionalSink{T}"/>). Only for the pipeline of a
    /// consecutor.</summary>
    /// <param name="factory">Makes a new sink, once for each start: an instance that two nodes or two starts share is not refused, and
    /// confuses them. It is also called once to find the default name of the node, which is the
    /// name of the sink's type (<see cref="Stage.Named"/> gives another).</param>
    public static Sink<T> Commit<T>(Func<TransactionalSink<T>> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Sink<T>.Of(new CommitSinkOperator<T, T>(static item => item, factory, null));
    }

    /// <summary>A sink that takes part in the commits of a consecutor. It takes the value that a function makes of each item, such as bytes
    /// of a file or values of a row.</summary>
    /// <remarks>The function and the sink are one node. The function is called when the item reaches the node, by several threads if the
    /// annotation says so. If it throws, only the item fails.</remarks>
    /// <param name="staged">Makes the value that the sink takes, from an item.</param>
    /// <param name="factory">Makes a new sink, once for each start.</param>
    /// <param name="name">The default name of the node (<see cref="Stage.Named"/> gives another). If null, it is the name of the sink's
    /// type, and the factory is called once more to find it.</param>
    public static Sink<T> Commit<T, TStaged>(Func<T, TStaged> staged, Func<TransactionalSink<TStaged>> factory, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(staged);
        ArgumentNullException.ThrowIfNull(factory);
        return Sink<T>.Of(new CommitSinkOperator<T, TStaged>(staged, factory, name));
    }
}
