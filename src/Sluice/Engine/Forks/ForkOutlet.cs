namespace Sluice.Engine;

/// <summary>The end of a branch of a fork-join: adds each output to the fork of its item.</summary>
internal sealed class ForkOutlet<T> : Inlet<T>
{
    private readonly StageContext context;
    private readonly IForkJoin join;
    private readonly int branch;

    public ForkOutlet(StageContext context, IForkJoin join, int branch)
        => (this.context, this.join, this.branch, Node) = (context, join, branch, context.Node);

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        if (ticket is not Fork fork)
        {
            throw context.Failure(
                new InvalidOperationException(
                    "It is no part of an item that went into the branches: a node has put it out at its end. Let the node put out "
                        + "everything while it processes an item, or put it behind the fork-join."),
                item, ticket);
        }
        fork.Put(branch, item);
        fork.Settle(Outcome.Completed);
        return default;
    }

    protected override ValueTask OnCompleteAsync()
    {
        join.BranchEnded();
        return default;
    }
}
