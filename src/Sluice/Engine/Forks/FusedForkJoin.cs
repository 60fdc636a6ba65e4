namespace Sluice.Engine;

/// <summary>
/// A fork-join whose branches run on the thread in front of it: once the last branch has returned, the item has ended in all of them.
/// </summary>
/// <remarks>One <see cref="Fork"/> therefore serves all items; it is open for one branch at a time.</remarks>
internal sealed class FusedForkJoin<T, TOut> : Inlet<T>, IUpstream, IForkJoin
{
    private readonly ForkEnd<T, TOut> end;
    private readonly Fork<T> fork;
    private Inlet<T>[] branches = [];

    public FusedForkJoin(ForkEnd<T, TOut> end, int branches)
    {
        this.end = end;
        fork = new(this, branches);
        GoesOn = end.Context.Run.Options.Following is not null;
        end.Attach(this);
    }

    public bool GoesOn { get; }

    /// <summary>Sets the branches, once they are built. Called while the run is built.</summary>
    /// <param name="node">The fan-out.</param>
    /// <param name="inlets">The first inlets of the branches.</param>
    public void Open(int node, Inlet<T>[] inlets) => (Node, branches) = (node, inlets);

    public override void Flush()
    {
        foreach (Inlet<T> branch in branches) branch.Flush();
        end.Flush();
    }

    /// <summary>Stops the upstream. A branch that has stopped does not call it: the item still needs its result.</summary>
    public void Stop() => Upstream?.Stop();

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        fork.Begin(item, ticket, parts: 1, isTold: false);
        Inlet<T>[] branches = this.branches;
        for (int i = 0; i < branches.Length; i++)
        {
            if (i > 0) Reopen();
            ValueTask pushed = branches[i].PushAsync(item, fork);
            if (!pushed.IsCompletedSuccessfully) return PushRestAsync(pushed, i + 1, item);
        }
        return end.JoinAsync(fork);
    }

    void IForkJoin.Ended(Fork fork) { }

    void IForkJoin.BranchEnded() { }

    protected override async ValueTask OnCompleteAsync()
    {
        foreach (Inlet<T> branch in branches) await branch.CompleteAsync();
        await end.CompleteAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PushRestAsync(ValueTask pushed, int at, T item)
    {
        await pushed;
        for (; at < branches.Length; at++)
        {
            Reopen();
            await branches[at].PushAsync(item, fork);
        }
        await end.JoinAsync(fork);
    }

    private void Reopen()
    {
        if (!fork.IsSettled) throw new InvalidOperationException(
            $"A branch of {end.Context.Run.NameOf(end.Context.Node)} has come back, and its item has not ended there.");
        fork.Reopen();
    }
}
