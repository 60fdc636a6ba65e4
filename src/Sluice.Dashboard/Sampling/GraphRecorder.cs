using Sluice.Graphs;

namespace Sluice.Dashboard.Sampling;

/// <summary>Records the resolves of a graph: the last ones, and figures of the last hour by node.</summary>
/// <remarks>
/// The counts and the last failures are complete. The rest is of the first resolves of each second, so that a busy graph does not pay.
/// Thread-safe: resolves end on any threads. Locking rule: everything under <c>sync</c>; records are made outside of it, and never
/// changed. Memory is bounded: by the number of resolves that are kept, and of nodes that are recorded.
/// </remarks>
internal sealed class GraphRecorder : IDisposable
{
    /// <summary>How many resolves are kept.</summary>
    public const int MaxResolves = 20;

    /// <summary>How many of the resolves that begin in a second are recorded with their nodes; of the others, only failures are kept.
    /// </summary>
    public const int MaxPerSecond = 100;

    /// <summary>How many nodes are recorded: the first ones in topological order.</summary>
    public const int MaxNodes = 2_000;

    private readonly Lock sync = new();
    private readonly ResolveRecord?[] last = new ResolveRecord?[MaxResolves], lastFailed = new ResolveRecord?[MaxResolves];
    private readonly ResolveOutcome[] outcomes = new ResolveOutcome[MaxResolves];
    private readonly TimeProvider time;
    private readonly IDisposable watch;
    private string[] names = [];
    private NodeTimes?[] times = [];
    private long count, recorded, failed, cancelled, span;

    public GraphRecorder(IGraph graph, TimeProvider time)
    {
        (Graph, this.time) = (graph, time);
        watch = graph.Watch(OnEnded, MaxPerSecond);
    }

    public IGraph Graph { get; }

    /// <summary>Returns the counts since the watching began, and the last resolves, the newest first.</summary>
    public GraphRecord Look()
    {
        lock (sync)
            return new(count, failed, cancelled, [.. outcomes.Take((int)Math.Min(count, MaxResolves))], Sort(last), Sort(lastFailed));
    }

    /// <summary>The names of the nodes that are recorded; empty before the first resolve.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (sync) return names;
        }
    }

    /// <summary>Returns the nodes that ran in the last hour.</summary>
    public IReadOnlyList<NodeFigures> Figures()
    {
        lock (sync)
        {
            MoveSpan();
            List<NodeFigures> found = [];
            for (int node = 0; node < times.Length; node++)
                if (times[node]?.Sum(names[node], span) is { } figures) found.Add(figures);
            return found;
        }
    }

    /// <summary>Ends the watching. What was recorded stays.</summary>
    public void Dispose() => watch.Dispose();

    private void OnEnded(GraphContext context, Exception? problem)
    {
        ResolveOutcome outcome = problem is null ? ResolveOutcome.Succeeded
            : problem is OperationCanceledException ? ResolveOutcome.Cancelled : ResolveOutcome.Failed;
        bool isRecorded = context.HasTimings;
        if (!isRecorded && outcome != ResolveOutcome.Failed)
        {
            lock (sync) Count(outcome);
            return;
        }
        IReadOnlyList<NodeOutcome> ofNodes = isRecorded ? context.Outcomes : [];
        var nodes = new NodeRun[Math.Min(ofNodes.Count, MaxNodes)];
        for (int node = 0; node < nodes.Length; node++) nodes[node] = NodeRun.Of(ofNodes[node]);
        string why = problem is null ? "" : Errors.Text(problem);
        DateTimeOffset now = time.GetUtcNow();
        TimeSpan elapsed = NodeRun.NotNegative(context.Elapsed);
        lock (sync)
        {
            Count(outcome);
            var record = new ResolveRecord(count, now, elapsed, outcome, why, nodes);
            if (outcome == ResolveOutcome.Failed) lastFailed[failed % MaxResolves] = record;
            if (!isRecorded) return;
            if (names.Length == 0)
                (names, times) = ([.. ofNodes.Take(nodes.Length).Select(static one => one.Node)], new NodeTimes?[nodes.Length]);
            MoveSpan();
            last[recorded++ % MaxResolves] = record;
            for (int node = 0; node < nodes.Length; node++)
                if (nodes[node].HasRun) (times[node] ??= new()).Add(span, nodes[node], now);
        }
    }

    private void Count(ResolveOutcome outcome)
    {
        outcomes[count++ % MaxResolves] = outcome;
        if (outcome == ResolveOutcome.Failed) failed++;
        if (outcome == ResolveOutcome.Cancelled) cancelled++;
    }

    private static ResolveRecord[] Sort(IEnumerable<ResolveRecord?> some)
        => [.. some.OfType<ResolveRecord>().OrderByDescending(static one => one.Number)];

    // By the clock that does not go back when the one on the wall does. One that goes back nevertheless stays in its span.
    private void MoveSpan()
        => span = Math.Max(span, time.GetTimestamp() / (time.TimestampFrequency * (long)NodeTimes.Span.TotalSeconds));
}

/// <summary>What is recorded of a graph.</summary>
/// <param name="Count">How many resolves have ended.</param>
/// <param name="Failed">How many of them have failed.</param>
/// <param name="Cancelled">How many of them were cancelled.</param>
/// <param name="Outcomes">The outcomes of the last ones, in any order.</param>
/// <param name="Last">The last ones that were recorded, the newest first.</param>
/// <param name="LastFailed">The last ones that failed, recorded or not, the newest first.</param>
internal sealed record GraphRecord(long Count, long Failed, long Cancelled, IReadOnlyList<ResolveOutcome> Outcomes,
    IReadOnlyList<ResolveRecord> Last, IReadOnlyList<ResolveRecord> LastFailed);
