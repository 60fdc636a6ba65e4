namespace Sluice;

public static partial class Sink
{
    /// <summary>
    /// A sink that takes part in the commits of a consecutor (<see cref="CommitSink{T}"/>), for use in the pipeline of one only.
    /// </summary>
    /// <param name="factory">Makes the sink, once for each start. Also called once to find the node's name, the type's unless it is named (<see cref="Stage.Named"/>).</param>
    public static Sink<T> Commit<T>(Func<CommitSink<T>> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Sink<T>.Of(new CommitSinkOperator<T>(factory));
    }
}
