using System.Threading.Tasks.Sources;

namespace Sluice.Graphs;

/// <summary>
/// The state of a resolve that did not end at once: counts the parents of each node down, and starts a node when the last has ended.
/// </summary>
/// <remarks>
/// Locking rule: none; a node starts on the thread that counts its parents down to zero.
/// Nothing recurses, so deep graphs are safe.
/// </remarks>
internal abstract class Resolution : PendingNodes
{
    private const int None = -1;

    private readonly PendingNodes?[]? others;        // for the nodes after the first group
    private int ready;                               // the top of the stack of ready nodes, for the thread that suspended first

    protected Resolution(GraphContext context) : base(context, 0)
    {
        if (Context.Plan.Nodes.Length > Count) others = new PendingNodes?[((Context.Plan.Nodes.Length - 1) / Count) + 1];
    }

    /// <param name="first">The first node that does not end at once; those before it in the plan have ended.</param>
    public void Begin(int first)
    {
        GraphPlan plan = Context.Plan;
        ready = None;
        for (int node = first + 1; node < plan.Nodes.Length; node++) Context.SlotOf(node).Waiting = plan.Counts[node];
        for (int node = 0; node < first; node++)
            foreach (int child in plan.Children[node])
                if (child > first) Context.SlotOf(child).Waiting--;               // an ended one has its value there
        for (int node = plan.Nodes.Length - 1; node > first; node--)
            if (Context.SlotOf(node).Waiting == 0) ready = Push(node, ready);
    }

    /// <summary>Awaits a node that does not end at once. Other threads may continue the resolve before this returns.</summary>
    public void Await(int node, Task task) => (node < Count ? this : Other(node / Count)).Await(task);

    /// <summary>Starts the ready nodes, after the first suspension. Called once, by the thread that called <see cref="Begin"/>.</summary>
    public void Walk() => Context.Pass(Walk(ready));

    /// <summary>Continues after a suspended node has ended.</summary>
    /// <returns>How many further nodes have ended, or do not start any more.</returns>
    public int GoOn(int node) => Walk(Release(node, None));

    /// <summary>Tells the caller. Called once.</summary>
    public abstract void End(Exception? problem);

    private PendingNodes Other(int group)
    {
        if (Volatile.Read(ref others![group]) is { } known) return known;
        var made = new PendingNodes(Context, group * Count);
        return Interlocked.CompareExchange(ref others[group], made, null) ?? made;
    }

    /// <summary>Starts nodes, and those that they make ready; after a stop, only passes over them.</summary>
    /// <returns>How many have ended; to be passed at once, because an interlocked operation costs more than a short node.</returns>
    private int Walk(int top)
    {
        int ended = 0;
        while (top != None)
        {
            int node = top;
            top = Context.SlotOf(node).Waiting;
            if (!Context.IsStopping && !Context.Start(node)) continue;
            top = Release(node, top);
            ended++;
        }
        return ended;
    }

    private int Push(int node, int top)
    {
        Context.SlotOf(node).Waiting = top;
        return node;
    }

    /// <summary>Counts down the children of an ended node, and pushes those that are ready.</summary>
    private int Release(int node, int top)
    {
        GraphPlan plan = Context.Plan;
        int[] children = plan.Children[node];
        for (int i = children.Length - 1; i >= 0; i--)
        {
            int child = children[i];
            if (plan.Counts[child] == 1 || Interlocked.Decrement(ref Context.SlotOf(child).Waiting) == 0) top = Push(child, top);
        }
        return top;
    }
}

/// <inheritdoc/>
internal sealed class Resolution<TRequest>(GraphContext<TRequest> context) : Resolution(context), IValueTaskSource<GraphContext<TRequest>>
{
    private ManualResetValueTaskSourceCore<GraphContext<TRequest>> source;

    public ValueTask<GraphContext<TRequest>> Task => new(this, source.Version);

    public override void End(Exception? problem)
    {
        if (problem is null) source.SetResult((GraphContext<TRequest>)Context);
        else source.SetException(problem);
    }

    GraphContext<TRequest> IValueTaskSource<GraphContext<TRequest>>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<GraphContext<TRequest>>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<GraphContext<TRequest>>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags)
        => source.OnCompleted(continuation, state, token, flags);
}
