namespace Sluice.Engine;

/// <summary>
/// Pushes each item into every branch of a fork-join whose branches run on several islands. A <see cref="JoinPump{T, TOut}"/> joins the
/// outputs.
/// </summary>
internal sealed class ForkStage<T, TOut> : Inlet<T>, IUpstream
{
    private readonly JoinPump<T, TOut> join;
    private readonly Inlet<T>[] branches;

    /// <param name="node">The fan-out.</param>
    /// <param name="join">The join at the end of the branches.</param>
    /// <param name="branches">The first inlets of the branches.</param>
    public ForkStage(int node, JoinPump<T, TOut> join, Inlet<T>[] branches)
    {
        (Node, this.join, this.branches) = (node, join, branches);
        join.Open(node, this);
    }

    public override void Flush()
    {
        foreach (Inlet<T> branch in branches) branch.Flush();
    }

    /// <summary>Stops the upstream. A branch that has stopped does not call it: the item still needs its result.</summary>
    public void Stop() => Upstream?.Stop();

    public override ValueTask PushAsync(T item, Ticket? ticket)
        => join.HasRoom ? PushNowAsync(item, ticket) : PushWhenRoomAsync(item, ticket);

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
