using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>The parts of a resolve that only some need: timings, failures, cancellation.</summary>
/// <remarks>Thread-safe, unless a member says otherwise.</remarks>
internal sealed class ResolveDetails(int nodes)
{
    private const int None = -1;

    private NodeDetails?[]? ofNodes;
    private CancellationTokenSource? stop;
    private CancellationTokenRegistration registration;
    private ITimer? grace;
    private int failed = None;

    /// <summary>
    /// A timestamp of the clock; 0 unless timings are recorded. Set by the threads that start and end the resolve, as is
    /// <see cref="Over"/>.
    /// </summary>
    public long Began { get; set; }

    public long Over { get; set; }

    /// <summary>Its entry in the list of running resolves; null unless it is timed and watched.</summary>
    public LinkedListNode<GraphContext>? Running { get; set; }

    /// <summary>The merged values of the ended resolve; null until <see cref="GraphContext.Merged"/> is read.</summary>
    public Dictionary<string, object?>? Merged { get; set; }

    /// <summary>The topology with times; null until <see cref="GraphContext.Topology"/> is read.</summary>
    public Topology? Timed { get; set; }

    /// <summary>The first node that failed; negative if none did.</summary>
    public int Failed => Volatile.Read(ref failed);

    /// <summary>The exceptions of callbacks registered with the token; reported with the failure.</summary>
    public AggregateException? BrokenStop { get; private set; }

    /// <summary>Whether the caller's cancellation is registered here.</summary>
    public bool IsRegistered { get; private set; }

    public NodeDetails? Find(int node) => Volatile.Read(ref ofNodes)?[node];

    /// <summary>The details of a node; for the thread that runs the node.</summary>
    public NodeDetails Of(int node)
    {
        NodeDetails?[] all = Volatile.Read(ref ofNodes) ?? Make();
        return all[node] ??= new();
    }

    public void Fail(int node) => Interlocked.CompareExchange(ref failed, node, None);

    /// <summary>
    /// The token of the nodes. Before a suspension, the first call registers the caller's cancellation, because a function may compute for
    /// long.
    /// </summary>
    /// <param name="context">The resolve, which may be stopping already.</param>
    public CancellationToken Token(GraphContext context)
    {
        if (Volatile.Read(ref stop) is { } known) return known.Token;
        var made = new CancellationTokenSource();
        CancellationTokenSource used = Interlocked.CompareExchange(ref stop, made, null) ?? made;
        // Before the first suspension one thread does everything, so only one gets here.
        if (!context.IsSuspended && context.Caller.CanBeCanceled) Register(context);
        if (context.MustStop) Stop();
        return used.Token;
    }

    /// <summary>Registers the caller's cancellation. Called once: when a token is made, or at the first suspension.</summary>
    public void Register(GraphContext context)
    {
        IsRegistered = true;
        registration = context.Caller.UnsafeRegister(static resolve => ((GraphContext)resolve!).Stop(), context);
    }

    /// <summary>Cancels the token. The context is marked as stopping before, so that a token made later is cancelled as well.</summary>
    public void Stop()
    {
        try
        {
            Volatile.Read(ref stop)?.Cancel();
        }
        catch (AggregateException e)
        {
            BrokenStop = e;
        }
    }

    /// <summary>Sets the timer that ends the resolve although functions are still running.</summary>
    public void GiveGrace(GraphContext context)
    {
        if (Volatile.Read(ref grace) is not null) return;
        ITimer timer = context.Plan.Time.CreateTimer(static context => ((GraphContext)context!).EndOnce(), context,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (Interlocked.CompareExchange(ref grace, timer, null) is null && !context.IsOver)
            timer.Change(context.Plan.Options.StopTimeout, Timeout.InfiniteTimeSpan);
        else timer.Dispose();
    }

    /// <summary>Whether the caller's cancellation is not registered here any more, and will never call. Set by <see cref="End"/>.</summary>
    public bool IsLetGo { get; private set; }

    /// <summary>Releases the registration and the timer.</summary>
    public void End()
    {
        IsLetGo = registration.Unregister() || !IsRegistered;
        Volatile.Read(ref grace)?.Dispose();
    }

    private NodeDetails?[] Make()
    {
        var made = new NodeDetails?[nodes];
        return Interlocked.CompareExchange(ref ofNodes, made, null) ?? made;
    }
}

/// <summary>Details of nodes that are timed, retried or skipped, or have failed.</summary>
internal sealed class NodeDetails
{
    public Exception? Exception { get; set; }

    /// <summary>A timestamp of the clock; 0 unless timings are recorded.</summary>
    public long Started { get; set; }

    public long Ended { get; set; }

    public int Attempts { get; set; } = 1;

    /// <summary>The parent whose missing value caused the skip.</summary>
    public string? Without { get; set; }

    /// <summary>Whether the value is of the fallback. Written before the value.</summary>
    public bool HasFallenBack { get; set; }
}
