using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Gives every item to every branch, in the order written, and merges their outputs. Equals
    /// <c>source | [s => s | F, s => s | G]</c>.</summary>
    /// <remarks>No item is lost: a slow branch holds up the others once its buffers are full.</remarks>
    /// <param name="source">The source of the items.</param>
    /// <param name="branches">At least one branch; all have the same output type.</param>
    [AlsoForPipes]
    public static Source<TOut> Broadcast<T, TOut>(this Source<T> source, params Func<Source<T>, Source<TOut>>[] branches)
        => NotNull(source).Fan(new BroadcastOperator<T>(), Branch.Unnamed(branches));

    /// <inheritdoc cref="Broadcast{T, TOut}(Source{T}, Func{Source{T}, Source{TOut}}[])"/>
    [AlsoForPipes]
    public static Source<TOut> Broadcast<T, TOut>(this Source<T> source, params Pipe<T, TOut>[] branches)
        => NotNull(source).Fan(new BroadcastOperator<T>(), Branch.Unnamed(NotNull(branches)));
}

internal sealed class BroadcastOperator<T> : FanOutOperator<T>
{
    public override string Kind => "broadcast";

    public override bool IsOnlyEdges => true;

    public override FanOut<T> Create(StageContext context, Inlet<T>[] branches)
    {
        context.IsOneToOne = true;
        return Fusions.Sinks && Array.TrueForAll(branches, branch => branch is ActionSinkStage<T> { IsOneNode: true })
            ? new SinkRun<T>(context, Array.ConvertAll(branches, branch => (ActionSinkStage<T>)branch))
            : new BroadcastStage<T>(context, branches);
    }
}

internal sealed class BroadcastStage<T>(StageContext context, Inlet<T>[] branches) : FanOut<T>(context, branches)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        ticket?.Add(Branches.Length - 1);
        Inlet<T>[] branches = Branches;
        for (int i = 0; i < branches.Length; i++)
        {
            ValueTask pushed = branches[i].PushAsync(item, ticket);
            if (!pushed.IsCompletedSuccessfully) return PushRestAsync(pushed, i + 1, item, ticket);
        }
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PushRestAsync(ValueTask pushed, int at, T item, Ticket? ticket)
    {
        await pushed;
        for (; at < Branches.Length; at++)
        {
            pushed = Branches[at].PushAsync(item, ticket);
            if (!pushed.IsCompletedSuccessfully) await pushed;
        }
    }
}
