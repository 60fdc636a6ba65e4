namespace Sluice;

// How a resolve goes: nodes are started in the order of the plan as long as each ends at once. From the first one that does not,
// a Resolution counts (a node starts when the last of its parents has ended).
//
// Locking rule: none. Before the first suspension one thread does everything. After it, a node belongs to whoever counts its parents
// down to zero, or claims its slot when what it waited for has ended, and whoever ends last ends the resolve.
public abstract partial class GraphContext
{
    private readonly CancellationToken caller;
    private readonly Slot[] slots;
    private ResolveDetails? details;
    private Resolution? resolution;                  // from the first suspension on
    private int ended;
    private volatile bool isStopping;
    private volatile bool isComplete;                // nothing is produced any more: what was made of it may be kept

    private protected GraphContext(GraphPlan plan, CancellationToken caller)
    {
        (Plan, this.caller) = (plan, caller);
        slots = new Slot[plan.TakesRequest ? plan.Nodes.Length + 1 : plan.Nodes.Length];
        (RecordsTimings, IsWatched) = (plan.Options.RecordTimings, plan.Options.RecordTimings || OnceTelemetry.IsTraced);
        if (RecordsTimings) details = new(plan.Nodes.Length) { Began = plan.Time.GetTimestamp() };
    }

    internal GraphPlan Plan { get; }

    /// <summary>What a node is called in messages.</summary>
    internal virtual string Term => "node";

    /// <summary>What this is called in messages.</summary>
    private protected virtual string Work => "resolve";

    internal bool RecordsTimings { get; }

    /// <summary>Whether there is more to do for a node than to call it: timings, or spans.</summary>
    internal bool IsWatched { get; }

    /// <summary>Failed or cancelled: nothing is started any more.</summary>
    internal bool IsStopping => isStopping;

    internal bool MustStop => isStopping || caller.IsCancellationRequested;

    internal bool IsOver => Volatile.Read(ref ended) != 0;

    internal CancellationToken Caller => caller;

    /// <summary>Whether somebody counts: from the first suspension on.</summary>
    internal bool IsSuspended => resolution is not null;

    /// <summary>What nodes are given: cancelled with the caller's, and when a node has failed.</summary>
    internal CancellationToken Token => Details.Token(this);

    /// <summary>The execution context of the caller, in which all nodes are started; known from the first suspension on.</summary>
    internal ExecutionContext? Flow => resolution!.Flow;

    internal ResolveDetails Details => Volatile.Read(ref details) ?? MakeDetails();

    internal NodeDetails? FindDetails(int node) => Volatile.Read(ref details)?.Find(node);

    internal ref Slot SlotOf(int node) => ref slots[node];

    internal T Value<T>(int node) => Slot.Get<T>(ref slots[node])!;

    /// <returns>Null if it has ended; else who tells the caller when it has.</returns>
    private protected Resolution? Run()
    {
        // As long as all end at once, the order of the plan is one in which parents come first.
        int count = Plan.Nodes.Length;
        for (int node = 0; node < count && !isStopping; node++)
        {
            Start(node);
            if (resolution is not { } counting) continue;
            counting.Walk();
            return counting;
        }
        if (RecordsTimings) Details.Over = Plan.Time.GetTimestamp();
        return null;
    }

    /// <summary>Somebody has to count from now on, and to tell the caller. Called once at most, by the thread that walks.</summary>
    private protected abstract Resolution NewResolution();

    /// <returns>Whether the node has ended.</returns>
    internal bool Start(int node)
    {
        if (caller.IsCancellationRequested)
        {
            Stop();
            return false;
        }
        NodeDefinition definition = Plan.Nodes[node];
        return (Plan.Needed[node] is { } needed && IsSkipped(definition, node, needed)) || definition.Start(this, node);
    }

    /// <summary>A node does not end at once. Others may go on with the resolve before this returns.</summary>
    internal void Suspend(int node, Task task)
    {
        if (resolution is null)
        {
            resolution = NewResolution();
            bool isRegistered = Volatile.Read(ref details) is { IsRegistered: true };
            resolution.Begin(node, isRegistered ? default : caller);
            if (isRegistered)
            {
                // By who has handed out the token before; a cancellation may have come when there was no resolution, and so nothing to give grace to.
                Interlocked.MemoryBarrier();
                if (isStopping) Stop();
            }
        }
        resolution.Await(node, task);
    }

    /// <summary>What a node waited for has ended; called by whoever has claimed its slot.</summary>
    internal void GoOn(int node)
    {
        Plan.Nodes[node].Finish(this, node);
        resolution!.GoOn(node);
    }

    internal void Succeed<T>(int node, T value)
    {
        if (TaskValues.IsTask(value))
            throw new InvalidOperationException($"It returned a {TypeNames.Of(value!.GetType())} as an object: nobody would await it, or hear of its failure. Let the function await it: async … => await ….");
        slots[node].Set(value);
        End(node, NodeStatus.Succeeded);
    }

    internal void End(int node, NodeStatus status)
    {
        if (RecordsTimings) Details.Of(node).Ended = Plan.Time.GetTimestamp();
        slots[node].Status = status;
    }

    /// <summary>A node has failed for good: the first one is what the caller is told of.</summary>
    internal void Fail(int node)
    {
        Details.Fail(node);
        Stop();
    }

    /// <summary>Nothing is started any more; what runs is told. Any thread, any number of times.</summary>
    internal void Stop()
    {
        isStopping = true;
        Interlocked.MemoryBarrier();
        Details.Stop();
        if (resolution is not null) Details.GiveGrace(this);
    }

    /// <summary>When the last has ended, or when what is still running has had its grace.</summary>
    internal void EndOnce()
    {
        if (Interlocked.Exchange(ref ended, 1) != 0) return;
        if (RecordsTimings) Details.Over = Plan.Time.GetTimestamp();
        resolution!.End(Problem());
    }

    /// <summary>Ends the resolve.</summary>
    /// <returns>Why it has not succeeded; null if it has. Does not throw, though what was produced is asked for its properties: whoever waits is to be told in any case.</returns>
    private protected Exception? Problem()
    {
        isComplete = true;
        try
        {
            return Failure() ?? (Plan.MayConflict ? FindConflict() : null);
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private Exception? Failure()
    {
        if (Volatile.Read(ref details) is { } known)
        {
            known.End();
            if (known.Failed is >= 0 and int failed)
            {
                Exception cause = known.Find(failed)!.Exception!;
                return new NodeFailedException(Term, Plan.Nodes[failed].Name, known.BrokenStop is { } broken ? new AggregateException(cause, broken) : cause, StillRunning());
            }
        }
        if (!MustStop) return null;
        return StillRunning() is { Count: > 0 } running
            ? new OperationCanceledException($"The {Work} was cancelled. Still running, as they do not heed their token: {string.Join(", ", running)}.", caller)
            : new OperationCanceledException(caller);
    }

    private bool IsSkipped(NodeDefinition definition, int node, bool[] needed)
    {
        int[] parents = Plan.Parents[node];
        for (int i = 0; i < parents.Length; i++)
        {
            if (!needed[i] || HasSomething(parents[i])) continue;
            Details.Of(node).Without = definition.Parents[i];
            if (RecordsTimings) Details.Of(node).Started = Plan.Time.GetTimestamp();
            End(node, NodeStatus.Skipped);
            return true;
        }
        return false;
    }

    private List<string> StillRunning()
    {
        List<string> names = [];
        for (int node = 0; node < Plan.Nodes.Length; node++)
            if (slots[node].Status == NodeStatus.Running) names.Add(Plan.Nodes[node].Name);
        return names;
    }

    private ResolveDetails MakeDetails()
    {
        var made = new ResolveDetails(Plan.Nodes.Length);
        return Interlocked.CompareExchange(ref details, made, null) ?? made;
    }
}
