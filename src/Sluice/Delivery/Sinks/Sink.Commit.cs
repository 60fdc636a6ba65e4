namespace Sluice;

public static partial class Sink
{
    /// <summary>
    /// A sink that takes part in the commits of a consecutor (<see cref="TransactionalSink{T}"/>), for use in the pipeline of one only.
    /// </summary>
    /// <param name="factory">Makes the sink, once for each start. Also called once to find the node's name, the type's unless it is named (<see cref="Stage.Named"/>).</param>
    public static Sink<T> Commit<T>(Func<TransactionalSink<T>> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Sink<T>.Of(new CommitSinkOperator<T, T>(static item => item, factory, null));
    }

    /// <summary>A sink that takes part in the commits of a consecutor, of what a function makes of the items: bytes of a file, values of a row.</summary>
    /// <remarks>Both are one node. The function is called when the item reaches it, by several threads if the node is annotated so; where it throws, it is the item that fails.</remarks>
    /// <param name="staged">Makes of an item what is handed to the sink.</param>
    /// <param name="factory">Makes the sink, once for each start.</param>
    /// <param name="name">What the node is called unless it is named (<see cref="Stage.Named"/>); the sink's type if it is null, for which the factory is called once more.</param>
    public static Sink<T> Commit<T, TStaged>(Func<T, TStaged> staged, Func<TransactionalSink<TStaged>> factory, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(staged);
        ArgumentNullException.ThrowIfNull(factory);
        return Sink<T>.Of(new CommitSinkOperator<T, TStaged>(staged, factory, name));
    }
}
