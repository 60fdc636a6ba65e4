namespace Sluice;

/// <summary>
/// Some neighbouring nodes of one resolve, of which any may be waiting: whenever something has ended that one of them waited for, goes on with all that have ended.
/// One callback for many nodes, because a callback for each is what a small resolve would mostly consist of.
/// </summary>
/// <remarks>Any thread, also several at a time: who claims a node's slot goes on with it, so each node goes on once. A callback that finds nothing was overtaken by another.</remarks>
internal class PendingNodes
{
    /// <summary>How many nodes share one: few enough to look at all of them each time.</summary>
    public const int Count = 16;

    private readonly int first;
    private readonly Action goOn;

    public PendingNodes(GraphContext context, int first)
    {
        (Context, this.first) = (context, first);
        goOn = GoOn;
    }

    protected GraphContext Context { get; }

    /// <summary>Others may go on with the resolve before this returns.</summary>
    /// <param name="task">Held by the slot of the node as well.</param>
    public void Await(Task task) => task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(goOn);

    private void GoOn()
    {
        // In the context in which the resolve was asked for; the one here is that of whoever has ended the node's work.
        ExecutionContext? flow = Context.Flow;
        if (flow is null || ReferenceEquals(flow, ExecutionContext.Capture())) Finish();
        else ExecutionContext.Run(flow, static nodes => ((PendingNodes)nodes!).Finish(), this);
    }

    private void Finish()
    {
        int end = Math.Min(first + Count, Context.Plan.Nodes.Length);
        for (int node = first; node < end; node++)
            if (Context.SlotOf(node).TryClaim()) Context.GoOn(node);
    }
}
