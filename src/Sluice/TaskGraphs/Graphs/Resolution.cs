namespace Sluice;

/// <summary>
/// One resolve: walks the graph as long as everything ends at once; from the first node that does not, whoever ends last among the parents of a node goes on with it.
/// </summary>
/// <remarks>
/// Locking rule: none. Before the first suspension one thread does everything. After it, a node belongs to whoever counts its parents down to zero (interlocked),
/// and what is under way is counted in <c>active</c>: whoever counts that down to zero ends the resolve. Nothing here recurses, so deep graphs are fine.
/// </remarks>
internal abstract class Resolution
{
    private const int None = -1;

    private readonly CancellationToken caller;
    private int[]? waiting;                          // from the first suspension on: how many parents a node waits for; then the next node on the stack of ready ones
    private int ready = None;                        // the top of that stack, for whoever suspended first
    private CancellationTokenSource? stop;
    private CancellationTokenRegistration registration;
    private ITimer? grace;
    private NodeSlot? failed;
    private AggregateException? brokenStop;
    private int active = 1;
    private int ended;
    private volatile bool isConcurrent;
    private volatile bool isStopping;

    protected Resolution(GraphPlan plan, bool recordsTimings, CancellationToken caller)
    {
        (Plan, RecordsTimings, this.caller) = (plan, recordsTimings, caller);
        Slots = new NodeSlot?[plan.Nodes.Length];
    }

    public GraphPlan Plan { get; }

    public bool RecordsTimings { get; }

    public NodeSlot?[] Slots { get; }

    public long Now => Plan.Time.GetTimestamp();

    public long Began { get; private set; }

    public long Over { get; private set; }

    /// <summary>Failed or cancelled: nothing is started any more.</summary>
    public bool IsStopping => isStopping;

    /// <summary>The execution context of the caller, in which all nodes are started; known from the first suspension on.</summary>
    public ExecutionContext? Flow { get; private set; }

    /// <summary>What nodes are given: cancelled with the caller's, and when a node has failed.</summary>
    public CancellationToken Token => (Volatile.Read(ref stop) ?? MakeStop()).Token;

    public T Value<T>(int node) => ((NodeSlot<T>)Slots[node]!).Value!;

    /// <returns>Whether it has ended; if not, <see cref="OnEnded"/> is called when it has.</returns>
    protected bool Run()
    {
        if (RecordsTimings) Began = Now;
        // As long as all end at once, the order of the plan is one in which parents come first.
        for (int node = 0; node < Slots.Length && !isConcurrent && !isStopping; node++) Start(node);
        if (isConcurrent)
        {
            Walk(ready);
            if (Interlocked.Decrement(ref active) == 0) EndOnce();
            return false;
        }
        if (RecordsTimings) Over = Now;
        return true;
    }

    /// <summary>It will not end before <see cref="Run"/> returns. Called once, before <see cref="OnEnded"/>.</summary>
    protected abstract void OnSuspending();

    /// <summary>It has ended, but not before <see cref="Run"/> returned. Called once.</summary>
    protected abstract void OnEnded();

    /// <summary>A node does not end at once. Called by whoever started it, before anybody can go on with it.</summary>
    public void Suspend(int node)
    {
        if (!isConcurrent)
        {
            OnSuspending();
            Flow = ExecutionContext.Capture();
            CountFrom(node);
            isConcurrent = true;
            if (caller.CanBeCanceled) registration = caller.UnsafeRegister(static resolution => ((Resolution)resolution!).Stop(), this);
        }
        Interlocked.Increment(ref active);
    }

    /// <summary>A node that was suspended has ended.</summary>
    public void GoOn(int node)
    {
        Walk(Release(node, None));
        if (Interlocked.Decrement(ref active) == 0) EndOnce();
    }

    /// <summary>A node has failed for good: the first one is what the caller is told of.</summary>
    public void Fail(NodeSlot slot)
    {
        Interlocked.CompareExchange(ref failed, slot, null);
        Stop();
    }

    /// <returns>Whether the node has ended.</returns>
    private bool Start(int node)
    {
        if (!caller.IsCancellationRequested) return IsSkipped(node) || Plan.Nodes[node].Start(this, node);
        Stop();
        return false;
    }

    private void Walk(int top)
    {
        while (top != None && !isStopping)
        {
            int node = top;
            top = waiting![node];
            if (Start(node)) top = Release(node, top);
        }
    }

    /// <summary>The first node that does not end at once: those before it in the plan have ended. Those behind it whose parents are all among these are ready.</summary>
    private void CountFrom(int first)
    {
        waiting = (int[])Plan.Counts.Clone();
        for (int node = 0; node < first; node++)
            foreach (int child in Plan.Children[node]) waiting[child]--;
        for (int node = Slots.Length - 1; node > first; node--)
            if (waiting[node] == 0) ready = Push(node, ready);
    }

    private int Push(int node, int top)
    {
        waiting![node] = top;
        return node;
    }

    /// <summary>A node has ended: those that waited for nothing else are ready.</summary>
    private int Release(int node, int top)
    {
        int[] children = Plan.Children[node];
        for (int i = children.Length - 1; i >= 0; i--)
            if (Interlocked.Decrement(ref waiting![children[i]]) == 0) top = Push(children[i], top);
        return top;
    }

    private bool IsSkipped(int node)
    {
        NodeDefinition definition = Plan.Nodes[node];
        if (!definition.HasNeeds) return false;
        int[] parents = Plan.Parents[node];
        for (int i = 0; i < parents.Length; i++)
        {
            if (!definition.NeedsParent(i) || Slots[parents[i]]!.HasSomething) continue;
            Slots[node] = definition.NewSlot();
            Slots[node]!.Skip(definition.Parents[i]);
            return true;
        }
        return false;
    }

    private CancellationTokenSource MakeStop()
    {
        var made = new CancellationTokenSource();
        CancellationTokenSource used = Interlocked.CompareExchange(ref stop, made, null) ?? made;
        if (isStopping || caller.IsCancellationRequested) used.Cancel();
        return used;
    }

    /// <summary>Any thread, any number of times.</summary>
    private void Stop()
    {
        isStopping = true;
        Interlocked.MemoryBarrier();
        try
        {
            Volatile.Read(ref stop)?.Cancel();
        }
        catch (AggregateException e)                 // what somebody has registered with the token: it comes with the failure
        {
            brokenStop = e;
        }
        if (!isConcurrent || grace is not null) return;
        ITimer timer = Plan.Time.CreateTimer(static resolution => ((Resolution)resolution!).EndOnce(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (Interlocked.CompareExchange(ref grace, timer, null) is null) timer.Change(Plan.Options.StopGrace, Timeout.InfiniteTimeSpan);
        else timer.Dispose();
    }

    /// <summary>When the last has ended, or when what is still running has had its grace.</summary>
    private void EndOnce()
    {
        if (Interlocked.Exchange(ref ended, 1) != 0) return;
        registration.Unregister();
        Volatile.Read(ref grace)?.Dispose();
        if (RecordsTimings) Over = Now;
        OnEnded();
    }

    /// <summary>Why it has not succeeded; null if it has.</summary>
    protected Exception? Failure()
    {
        if (failed is { } node) return new NodeFailedException(node.Definition.Name, brokenStop is null ? node.Details!.Exception! : new AggregateException(node.Details!.Exception!, brokenStop), StillRunning());
        return isStopping || caller.IsCancellationRequested ? new OperationCanceledException(caller) : null;
    }

    private List<string> StillRunning()
    {
        List<string> names = [];
        foreach (NodeSlot? slot in Slots)
            if (slot is { Status: NodeStatus.Running }) names.Add(slot.Definition.Name);
        return names;
    }
}
