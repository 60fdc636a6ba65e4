using Sluice.Graphs;

namespace Sluice.Dashboard.Sampling;

/// <summary>Compares the looks at graphs. Not thread-safe: calls must not overlap.</summary>
internal sealed class GraphSampler(TimeProvider time)
{
    private readonly Dictionary<GraphRecorder, Rates> rates = [];

    /// <summary>Returns the graphs, the urgent ones first.</summary>
    public IReadOnlyList<GraphSample> Look(IReadOnlyList<GraphRecorder> recorders)
    {
        var names = new DistinctNames();
        string[] shortNames = [.. recorders.Select(static one => NameOf(one.Graph, isLong: false))];
        List<GraphSample> found = [];
        for (int i = 0; i < recorders.Count; i++)
        {
            bool isAlone = shortNames.Count(name => name == shortNames[i]) == 1;
            if (!rates.TryGetValue(recorders[i], out Rates? known)) rates.Add(recorders[i], known = new(time));
            found.Add(known.Look(names.Add(isAlone ? shortNames[i] : NameOf(recorders[i].Graph, isLong: true)), recorders[i]));
        }
        return [.. found.OrderByDescending(static one => one.Verdict.Urgency).ThenBy(static one => one.Name, StringComparer.Ordinal)];
    }

    // A graph without a name is named after its requests; two of one name, after name and requests.
    private static string NameOf(IGraph graph, bool isLong) => (graph.Topology.Name, isLong) switch
    {
        (null or "", false) => graph.RequestType.Name,
        (null or "", true) => graph.RequestType.ToString(),
        ({ } name, false) => name,
        ({ } name, true) => $"{name} ({graph.RequestType})",
    };

    private sealed class Rates(TimeProvider time)
    {
        private readonly CountRate resolves = new(time), failures = new(time);
        private readonly History history = new(time);

        public GraphSample Look(string name, GraphRecorder recorder)
        {
            GraphRecord record = recorder.Look();
            double? perSecond = resolves.Add(record.Count);
            if (perSecond is { } known) history.Add(known);
            TimeSpan? oldest = recorder.Graph.OldestRunning;
            return new(name, recorder, record, perSecond, failures.Add(record.Failed), history,
                GraphVerdict.Of(record, recorder.Names, oldest))
            { Oldest = oldest, InFlight = recorder.Graph.InFlight };
        }
    }
}

/// <summary>A graph at one look.</summary>
/// <param name="Name">Its name, which no other graph of the look has.</param>
/// <param name="Recorder">Its recorder.</param>
/// <param name="Record">What is recorded of it.</param>
/// <param name="PerSecond">Resolves that ended in a second.</param>
/// <param name="FailedPerSecond">Resolves that failed in a second.</param>
/// <param name="History">The rates of the last ten minutes.</param>
/// <param name="Verdict">What is wrong with it.</param>
internal sealed record GraphSample(string Name, GraphRecorder Recorder, GraphRecord Record, double? PerSecond, double? FailedPerSecond,
    History History, Verdict Verdict)
{
    public IGraph Graph => Recorder.Graph;

    /// <summary>How long the oldest resolve that has not ended has been running, of those that are recorded; null if there is none.
    /// </summary>
    public TimeSpan? Oldest { get; init; }

    /// <summary>The resolves that have begun since the dashboard watches, and have not ended.</summary>
    public int InFlight { get; init; }

    public string State => InFlight > 0 || PerSecond > 0 ? "resolving" : Record.Count > 0 ? "idle" : "not resolved yet";

    /// <summary>The mean time of the resolves that were recorded last.</summary>
    public TimeSpan? Mean
        => Record.Last.Average(static one => (double?)one.Elapsed.Ticks) is { } ticks ? TimeSpan.FromTicks((long)ticks) : null;
}
