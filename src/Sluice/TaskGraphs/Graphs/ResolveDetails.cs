namespace Sluice;

/// <summary>What only some resolves have: timings, failures, nodes that can be stopped.</summary>
/// <remarks>Any thread, unless a member says otherwise.</remarks>
internal sealed class ResolveDetails(int nodes)
{
    private const int None = -1;

    private NodeDetails?[]? ofNodes;
    private CancellationTokenSource? stop;
    private CancellationTokenRegistration registration;
    private ITimer? grace;
    private int failed = None;

    /// <summary>Timestamps of the clock; zero unless timings are recorded. Set by whoever starts and ends the resolve.</summary>
    public long Began { get; set; }

    public long Over { get; set; }

    /// <summary>The first node that failed; negative if none did.</summary>
    public int Failed => Volatile.Read(ref failed);

    /// <summary>What somebody has thrown who had registered with the token: it comes with the failure.</summary>
    public AggregateException? BrokenStop { get; private set; }

    /// <summary>Whether the caller's cancellation comes here.</summary>
    public bool IsRegistered { get; private set; }

    public NodeDetails? Find(int node) => Volatile.Read(ref ofNodes)?[node];

    /// <summary>Called by whoever runs the node.</summary>
    public NodeDetails Of(int node)
    {
        NodeDetails?[] all = Volatile.Read(ref ofNodes) ?? Make();
        return all[node] ??= new();
    }

    public void Fail(int node) => Interlocked.CompareExchange(ref failed, node, None);

    /// <summary>What nodes are given. Whoever asks first has it cancelled with the caller's, unless the resolution does: a function may compute for long before anything suspends.</summary>
    /// <param name="context">Asked whether it is stopping already.</param>
    public CancellationToken Token(GraphContext context)
    {
        if (Volatile.Read(ref stop) is { } known) return known.Token;
        var made = new CancellationTokenSource();
        CancellationTokenSource used = Interlocked.CompareExchange(ref stop, made, null) ?? made;
        // Before the first suspension one thread does everything, so only one comes here.
        if (!context.IsSuspended && context.Caller.CanBeCanceled)
        {
            IsRegistered = true;
            registration = context.Caller.UnsafeRegister(static resolve => ((GraphContext)resolve!).Stop(), context);
        }
        if (context.MustStop) Stop();
        return used.Token;
    }

    /// <summary>The context is stopping already, for whoever makes the token later.</summary>
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

    /// <summary>The resolve ends, though functions are still running, when their grace is over.</summary>
    public void GiveGrace(GraphContext context)
    {
        if (Volatile.Read(ref grace) is not null) return;
        ITimer timer = context.Plan.Time.CreateTimer(static context => ((GraphContext)context!).EndOnce(), context, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (Interlocked.CompareExchange(ref grace, timer, null) is null && !context.IsOver) timer.Change(context.Plan.Options.StopTimeout, Timeout.InfiniteTimeSpan);
        else timer.Dispose();
    }

    /// <summary>The resolve is over.</summary>
    public void End()
    {
        registration.Unregister();
        Volatile.Read(ref grace)?.Dispose();
    }

    private NodeDetails?[] Make()
    {
        var made = new NodeDetails?[nodes];
        return Interlocked.CompareExchange(ref ofNodes, made, null) ?? made;
    }
}

/// <summary>What is known of nodes that are timed, tried again, skipped, or have failed.</summary>
internal sealed class NodeDetails
{
    public Exception? Exception { get; set; }

    /// <summary>Timestamps of the clock; zero unless timings are recorded.</summary>
    public long Started { get; set; }

    public long Ended { get; set; }

    public int Attempts { get; set; } = 1;

    /// <summary>The parent for want of which it was skipped.</summary>
    public string? Without { get; set; }
}
