namespace Sluice.Graphs;

/// <summary>
/// A group of neighbouring nodes of one resolve that share a callback: whenever a task of one ends, it continues all nodes whose tasks have
/// ended.
/// </summary>
/// <remarks>
/// The callback is shared because one per node would be most of the cost of a small resolve.
/// Thread-safe: the thread that claims a node's slot continues it, so each node continues once. A callback that finds no node was overtaken
/// by another. Each callback counts one node as ended when it has nothing more to do, so that no callback is in a resolve that has ended.
/// </remarks>
internal class PendingNodes
{
    /// <summary>The number of nodes that share a callback: few enough to look at all of them each time.</summary>
    public const int Count = 16;

    private readonly int first;
    private readonly Action goOn;

    public PendingNodes(GraphContext context, int first)
    {
        (Context, this.first) = (context, first);
        goOn = GoOn;
    }

    protected GraphContext Context { get; }

    /// <summary>Awaits a task of a node. Other threads may continue the resolve before this returns.</summary>
    /// <param name="task">The task, which the slot of the node holds as well.</param>
    public void Await(Task task) => task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(goOn);

    private void GoOn()
    {
        // In the caller's execution context; the current one belongs to the thread that ended the task.
        ExecutionContext? flow = Context.Flow, here = ExecutionContext.Capture();
        if (flow is not null && !ReferenceEquals(flow, here))
        {
            ExecutionContext.Run(flow, static nodes => ((PendingNodes)nodes!).Finish(), this);
            return;
        }
        Finish();
        // Synchronous functions may have changed it; if this thread suppresses its flow, their changes stay. After the nodes the context
        // may serve another resolve: do not ask it again.
        if (here is not null && !ReferenceEquals(here, ExecutionContext.Capture())) ExecutionContext.Restore(here);
    }

    private void Finish()
    {
        int end = Math.Min(first + Count, Context.Plan.Nodes.Length);
        int ended = 1;                               // the node that was awaited: this thread or another has claimed it
        for (int node = first; node < end; node++)
            if (Context.SlotOf(node).TryClaim() is { } task) ended += Context.GoOn(node, task);
        Context.Pass(ended);
    }
}
