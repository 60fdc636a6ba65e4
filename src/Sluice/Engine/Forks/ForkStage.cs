using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Gives each item to every branch of a fork-join, some of which work by themselves. What they make of it comes together at a <see cref="JoinPump{T, TOut}"/>.</summary>
internal sealed class ForkStage<T, TOut> : Inlet<T>, IUpstream
{
    private readonly JoinPump<T, TOut> join;
    private readonly Inlet<T>[] branches;

    /// <param name="node">The fan-out.</param>
    /// <param name="join">Where the branches end.</param>
    /// <param name="branches">Where they begin.</param>
    public ForkStage(int node, JoinPump<T, TOut> join, Inlet<T>[] branches)
    {
        (Node, this.join, this.branches) = (node, join, branches);
        join.Open(node, this);
    }

    public override void Flush()
    {
        foreach (Inlet<T> branch in branches) branch.Flush();
    }

    /// <summary>A branch that wants no more says nothing here: the item's result is made all the same.</summary>
    public void Stop() => Upstream?.Stop();

    public override ValueTask PushAsync(T item, Ticket? ticket) => join.HasRoom ? PushNowAsync(item, ticket) : PushWhenRoomAsync(item, ticket);

    private ValueTask PushNowAsync(T item, Ticket? ticket)
    {
        Fork<T> fork = join.Begin(item, ticket, branches.Length);
        for (int i = 0; i < branches.Length; i++)
        {
            ValueTask pushed = branches[i].PushAsync(item, fork);
            if (!pushed.IsCompletedSuccessfully) return PushRestAsync(pushed, i + 1, item, fork);
        }
        return join.IsSerial ? join.DrainAsync() : default;
    }

    protected override async ValueTask OnCompleteAsync()
    {
        foreach (Inlet<T> branch in branches) await branch.CompleteAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PushRestAsync(ValueTask pushed, int at, T item, Fork<T> fork)
    {
        await pushed;
        for (; at < branches.Length; at++) await branches[at].PushAsync(item, fork);
        if (join.IsSerial) await join.DrainAsync();
    }

    private async ValueTask PushWhenRoomAsync(T item, Ticket? ticket)
    {
        Flush();
        await join.WaitForRoomAsync();
        await PushNowAsync(item, ticket);
    }
}
