using Sluice.Diagnostics;

namespace Sluice.Graphs;

// A resolve starts the nodes in the order of the plan as long as each ends at once. From the first one that does not, a Resolution
// counts: a node starts when the last of its parents has ended.
//
// Locking rule: none. Before the first suspension one thread does everything. After it, a node belongs to the thread that counts its
// parents down to zero, or claims its slot when its task has ended. The last node to end ends the resolve.
public abstract partial class GraphContext
{
    private readonly Slot[] slots;
    private CancellationToken caller;
    private ResolveDetails? details;
    private Resolution? resolution;                  // set at the first suspension; a context that is used again has it from before
    private ExecutionContext? flow;                  // of the caller; null if it does not flow, and when the resolve is over
    private int left;                                // nodes that have not ended; the thread that counts it down to zero ends the resolve
    private Traits traits;
    private bool isOver;
    private volatile bool isSuspended;
    private volatile bool isStopping;
    private volatile bool isComplete;                // nothing is produced any more, so views can be cached

    private protected GraphContext(GraphPlan plan, CancellationToken caller)
    {
        Plan = plan;
        slots = new Slot[plan.TakesRequest ? plan.Nodes.Length + 1 : plan.Nodes.Length];
        Begin(caller);
    }

    internal GraphPlan Plan { get; }

    /// <summary>The word for a node in messages.</summary>
    internal virtual string Term => "node";

    /// <summary>The word for the graph in messages.</summary>
    internal virtual string GraphTerm => "graph";

    /// <summary>The word for the resolve in messages.</summary>
    private protected virtual string Work => "resolve";

    internal bool RecordsTimings => (traits & Traits.RecordsTimings) == Traits.RecordsTimings;

    /// <summary>Whether nodes need more than a call: timings, or spans.</summary>
    internal bool IsWatched => (traits & Traits.IsWatched) == Traits.IsWatched;

    /// <summary>Whether it has failed or was cancelled; no further node starts.</summary>
    internal bool IsStopping => isStopping;

    internal bool MustStop => isStopping || caller.IsCancellationRequested;

    /// <summary>Whether the resolve has ended. A function that was left behind may end later: it does not change the result any
    /// more.</summary>
    internal bool IsOver => Volatile.Read(ref isOver);

    internal CancellationToken Caller => caller;

    /// <summary>Whether a node has suspended.</summary>
    internal bool IsSuspended => isSuspended;

    /// <summary>The token of the nodes; cancelled with the caller's token, and when a node has failed.</summary>
    internal CancellationToken Token => Details.Token(this);

    /// <summary>The caller's execution context, in which all nodes start; null if it does not flow, or is over. A result does not keep
    /// it.</summary>
    internal ExecutionContext? Flow => Volatile.Read(ref flow);

    internal ResolveDetails Details => Volatile.Read(ref details) ?? MakeDetails();

    internal NodeDetails? FindDetails(int node) => Volatile.Read(ref details)?.Find(node);

    internal ref Slot SlotOf(int node) => ref slots[node];

    internal T Value<T>(int node) => Slot.Get<T>(ref slots[node])!;

    /// <returns>Null if the resolve has ended; otherwise the object that tells the caller when it has.</returns>
    private protected Resolution? Run()
    {
        ExecutionContext? outer = flow = ExecutionContext.Capture();
        Resolution? counting = StartAll();
        // Synchronous functions may have changed it. One look for all nodes, because a look costs 10 ns.
        if (outer is not null && !ReferenceEquals(outer, ExecutionContext.Capture())) ExecutionContext.Restore(outer);
        return counting;
    }

    // When a node has suspended, another thread may end the resolve while this one walks on. That is harmless: the caller, who is this
    // thread, gets the task of the resolve only when this method has returned, and no other resolve uses the context before that.
    private Resolution? StartAll()
    {
        // In the order of the plan, parents come first.
        int count = Plan.Nodes.Length;
        for (int node = 0; node < count && !isStopping; node++)
        {
            Start(node);
            if (!isSuspended) continue;
            Resolution counting = resolution!;
            counting.Walk();
            return counting;
        }
        flow = null;
        if (RecordsTimings) Details.Over = Plan.Time.GetTimestamp();
        return null;
    }

    /// <summary>Makes the object that counts, and tells the caller. Called at most once, by the walking thread.</summary>
    private protected abstract Resolution NewResolution();

    /// <returns>Whether the node has ended, or does not start any more.</returns>
    internal bool Start(int node)
    {
        if (caller.IsCancellationRequested)
        {
            Stop();
            return true;
        }
        NodeDefinition definition = Plan.Nodes[node];
        return (Plan.Needed[node] is { } needed && IsSkipped(definition, node, needed)) || definition.Start(this, node);
    }

    /// <summary>Suspends a node that does not end at once. Other threads may continue the resolve before this returns.</summary>
    internal void Suspend(int node, Task task)
    {
        if (!isSuspended)
        {
            resolution ??= NewResolution();
            isSuspended = true;
            bool isRegistered = Volatile.Read(ref details) is { IsRegistered: true };
            if (!isRegistered && caller.CanBeCanceled) Details.Register(this);
            left = Plan.Nodes.Length - node;
            resolution.Begin(node);
            if (isRegistered)
            {
                // The token's creator has registered; a cancellation before the resolution existed could not set the stop timer.
                Interlocked.MemoryBarrier();
                if (isStopping) Stop();
            }
        }
        slots[node].Hold(task);
        resolution!.Await(node, task);
    }

    /// <summary>Continues after a suspended node; called by the thread that has claimed its slot.</summary>
    /// <returns>How many further nodes have ended, or do not start any more.</returns>
    internal int GoOn(int node, Task ended)
    {
        if (IsOver) _ = ended.Exception;             // of a function that was left behind
        else Plan.Nodes[node].Finish(this, node, ended);
        return resolution!.GoOn(node);
    }

    /// <summary>Counts nodes that have ended, or do not start any more. A thread calls it when it has nothing more to do here.</summary>
    internal void Pass(int nodes)
    {
        if (nodes > 0 && Interlocked.Add(ref left, -nodes) == 0) EndOnce();
    }

    internal void Succeed<T>(int node, T value)
    {
        if (PendingWork.Is(value))
            throw new InvalidOperationException($"It returned a {(value is Task ? "task" : TypeNames.Of(value!.GetType()))} as an object: "
                + "it would not be awaited, and its failure would be lost. Let the function await it: async … => await ….");
        Set(node, value);
    }

    /// <summary>Ends a node with a value.</summary>
    internal void Set<T>(int node, T value)
    {
        if (IsOver) return;
        if (RecordsTimings) Details.Of(node).Ended = Plan.Time.GetTimestamp();
        slots[node].Set(value);
    }

    /// <summary>Ends a node without a value.</summary>
    internal void End(int node, NodeStatus status)
    {
        if (RecordsTimings) Details.Of(node).Ended = Plan.Time.GetTimestamp();
        slots[node].End(status);
    }

    /// <summary>Fails the resolve with a node; the first failure is reported.</summary>
    internal void Fail(int node)
    {
        Details.Fail(node);
        Stop();
    }

    /// <summary>Starts no further node, and cancels the running ones. Thread-safe; may be called again.</summary>
    internal void Stop()
    {
        isStopping = true;
        Interlocked.MemoryBarrier();
        if (isSuspended) Details.GiveGrace(this);         // before user code is told, which may block this thread
        Details.Stop();
    }

    /// <summary>Ends the resolve: after the last node, or when the stop timeout of running nodes is over.</summary>
    internal void EndOnce()
    {
        if (Interlocked.Exchange(ref isOver, true)) return;
        if (RecordsTimings) Details.Over = Plan.Time.GetTimestamp();
        Volatile.Write(ref flow, null);
        resolution!.End(Problem());
    }

    /// <summary>The task of a resolve that has failed without a wait: cancelled if the resolve was, as with a wait.</summary>
    private protected static ValueTask<T> FailedAsync<T>(Exception problem)
    {
        return problem is OperationCanceledException ? CancelledAsync() : ValueTask.FromException<T>(problem);

        async ValueTask<T> CancelledAsync()          // keeps the message, unlike Task.FromCanceled
        {
            await ValueTask.CompletedTask.ConfigureAwait(false);
            throw problem;
        }
    }

    /// <summary>Completes the resolve.</summary>
    /// <returns>Why it has failed; null if it has not. Never throws, because the caller must be told in any case.</returns>
    private protected Exception? Problem()
    {
        isComplete = true;
        Exception? problem;
        try
        {
            problem = Failure();
        }
        catch (Exception e)
        {
            problem = e;
        }
        if (Volatile.Read(ref details) is { Running: { } running }) Plan.Watchers.NoteEnd(running);
        if ((traits & Traits.IsCounted) == Traits.IsCounted) Plan.Watchers.Uncount();
        OnceTelemetry.Count(Plan.Topology.Name, problem);
        if (Plan.Watchers.Tell(this, problem)) traits |= Traits.IsWatched;
        return problem;
    }

    private Exception? Failure()
    {
        if (Volatile.Read(ref details) is { } known)
        {
            known.End();
            if (known.Failed is >= 0 and int failed)
            {
                Exception cause = known.Find(failed)!.Exception!;
                return new NodeFailedException(this, failed, known.BrokenStop is { } broken
                    ? new AggregateException(cause, broken) : cause, StillRunning());
            }
        }
        if (!MustStop) return null;
        Exception? reported = ReportedCancellation();
        return StillRunning() is { Count: > 0 } running
            ? new OperationCanceledException(
            $"The {Work} was cancelled. Still running, as they do not heed their token: {string.Join(", ", running)}.", reported, caller)
            : reported is null ? new OperationCanceledException(caller)
            : new OperationCanceledException($"The {Work} was cancelled.", reported, caller);
    }

    /// <summary>The first exception of a cancelled node that is not a cancellation by its type: it may be a failure as well.</summary>
    private Exception? ReportedCancellation()
    {
        for (int node = 0; node < Plan.Nodes.Length; node++)
            if (slots[node].Status == NodeStatus.Cancelled && FindDetails(node)?.Exception is { } e and not OperationCanceledException)
                return e;
        return null;
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
