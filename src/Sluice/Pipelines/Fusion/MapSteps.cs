namespace Sluice.Pipelines;

/// <summary>An inlet that can take the function of a map of another type into its own: one call does the work of both.</summary>
internal interface ITakesMap<T>
{
    /// <summary>Called while the run is built.</summary>
    /// <returns>The inlet that replaces this one and includes the map; null where a merge stands between.</returns>
    Inlet<TBefore>? TryPrepend<TBefore>(int node, Func<TBefore, T> map);
}

/// <summary>
/// Adjacent maps that change the type, and a sink behind them, as one function that calls the next. It saves a push between two nodes,
/// which costs more than the call where the value has several words. The airports job takes 79 ns per pair in one thread, and took 82 to
/// 92 ns before (ADR 0009). As four stages, three maps over values of three and four words and a sink take 1.6 times as long
/// (docs/reports/performance.md, what each fusion saves).
/// </summary>
/// <remarks>It counts for the nodes and knows at which of them an item failed. It is filled while the run is built; the island of the
/// instance writes the failures.</remarks>
internal sealed class MapSteps : IReportsCounts
{
    private readonly StageContext context;
    private readonly bool endsItems;
    private int[] nodes;                             // in the order of the items
    private long[] failures = [];
    private int failedNode = -1;
    private object? failedItem;

    /// <summary>Begins with one node. Called while the run is built.</summary>
    /// <param name="context">The node's context.</param>
    /// <param name="endsItems">Whether the node holds its items, and counts its outputs elsewhere.</param>
    public MapSteps(StageContext context, bool endsItems = false)
    {
        (this.context, nodes, this.endsItems) = (context, [context.Node], endsItems);
        (context.Reporter, context.IsReported) = (this, true);
    }

    /// <summary>The first node.</summary>
    public int Node => nodes[0];

    /// <summary>Puts a step before the others, whose function is <paramref name="others"/>. Called while the run is built.</summary>
    public Func<TBefore, TOut> Prepend<TBefore, T, TOut>(int node, Func<TBefore, T> map, Func<T, TOut> others)
        => new Map<TBefore, T, TOut>(this, map, others, PutFirst(node)).Invoke;

    /// <inheritdoc cref="Prepend{TBefore, T, TOut}"/>
    public Action<TBefore> Prepend<TBefore, T>(int node, Func<TBefore, T> map, Action<T> others)
        => new Sink<TBefore, T>(this, map, others, PutFirst(node)).Invoke;

    /// <summary>Puts a step before the others, whose function is the fold <paramref name="others"/>.</summary>
    public Func<TState, TBefore, TState> PrependToFold<TBefore, T, TState>(int node, Func<TBefore, T> map, Func<TState, T, TState> others)
        => new Fold<TBefore, T, TState>(this, map, others, PutFirst(node)).Invoke;

    public void Report(NodeCounts[] counts)
    {
        long count = Volatile.Read(ref context.In);
        for (int step = 0; step < nodes.Length; step++)
        {
            ref NodeCounts node = ref counts[nodes[step]];
            long failed = Volatile.Read(ref failures[step]);
            node.In += count;
            node.Failed += failed;
            count -= failed;
            if (!endsItems || step < nodes.Length - 1) node.Out += count;
        }
    }

    /// <summary>The failure of the step that noted it; of the first step, at <paramref name="item"/>, if no step did.</summary>
    /// <remarks>Fused nodes have no policies, so a failure stops the run. Until the run has stopped, a lane goes on with other
    /// items.</remarks>
    public Exception Failure(Exception cause, object? item, Ticket? ticket)
    {
        (int node, object? at) = failedNode < 0 ? (nodes[0], item) : (failedNode, failedItem);
        (failedNode, failedItem) = (-1, null);
        Exception failure = context.Failure(cause, at, ticket, node);
        if (failure is PipelineException) failures[Array.IndexOf(nodes, node)]++;
        return failure;
    }

    /// <summary>A failure of the last node that is not about an item.</summary>
    public Exception FailureOfLast(Exception cause)
    {
        Exception failure = context.Failure(cause);
        if (failure is PipelineException) failures[^1]++;
        return failure;
    }

    /// <summary>In an exception filter, so that the innermost step is asked first.</summary>
    /// <returns>False: the exception goes on.</returns>
    private bool Note(int node, object? item)
    {
        if (failedNode < 0) (failedNode, failedItem) = (node, item);
        return false;
    }

    /// <returns>The node that was first before.</returns>
    private int PutFirst(int node)
    {
        int second = nodes[0];
        nodes = [node, .. nodes];
        failures = new long[nodes.Length];
        return second;
    }

    private sealed class Map<T, TBetween, TOut>(MapSteps steps, Func<T, TBetween> first, Func<TBetween, TOut> second, int secondNode)
    {
        public TOut Invoke(T item)
        {
            TBetween between = first(item);
            try
            {
                return second(between);
            }
            catch when (steps.Note(secondNode, between))
            {
                throw;
            }
        }
    }

    private sealed class Sink<T, TBetween>(MapSteps steps, Func<T, TBetween> first, Action<TBetween> second, int secondNode)
    {
        public void Invoke(T item)
        {
            TBetween between = first(item);
            try
            {
                second(between);
            }
            catch when (steps.Note(secondNode, between))
            {
                throw;
            }
        }
    }

    private sealed class Fold<T, TBetween, TState>(MapSteps steps, Func<T, TBetween> first, Func<TState, TBetween, TState> second,
        int secondNode)
    {
        public TState Invoke(TState state, T item)
        {
            TBetween between = first(item);
            try
            {
                return second(state, between);
            }
            catch when (steps.Note(secondNode, between))
            {
                throw;
            }
        }
    }
}
