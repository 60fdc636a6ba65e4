using Sluice.Graphs;

namespace Sluice.Dashboard.Sampling;

/// <summary>The recorders of all graphs: those of the options from the beginning, those of the host from its start.</summary>
/// <remarks>Thread-safe; locking rule: everything under <c>sync</c>.</remarks>
internal sealed class GraphRecorders : IDisposable
{
    // A function that makes a graph and fails is not called with each look.
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Lock sync = new();
    private readonly Func<IEnumerable<IGraph>> registered;
    private readonly TimeProvider time;
    private readonly List<GraphRecorder> all = [];
    private string? problem;
    private long failedAt;
    private bool isFound, isOver;

    public GraphRecorders(DashboardOptions options, Func<IEnumerable<IGraph>> registered)
    {
        (this.registered, time) = (registered, options.Time);
        foreach (IGraph graph in options.Graphs) Add(graph);
    }

    /// <summary>Why the graphs of the host could not be made; null if they were.</summary>
    public string? Problem
    {
        get
        {
            lock (sync) return problem;
        }
    }

    /// <summary>Returns the recorders, and begins to record graphs that are new.</summary>
    public IReadOnlyList<GraphRecorder> Find()
    {
        lock (sync)
        {
            if (!isOver && !isFound && (problem is null || time.GetElapsedTime(failedAt) >= Pause)) FindRegistered();
            return [.. all];
        }
    }

    /// <summary>Ends the recording.</summary>
    public void Dispose()
    {
        lock (sync)
        {
            isOver = true;
            foreach (GraphRecorder one in all) one.Dispose();
        }
    }

    // The registrations do not change, so they are asked for once: one that makes a graph each time would make one with each look.
    private void FindRegistered()
    {
        try
        {
            foreach (IGraph graph in registered()) Add(graph);
            (problem, isFound) = (null, true);
        }
        catch (Exception e)
        {
            (problem, failedAt) = (Errors.Text(e), time.GetTimestamp());
        }
    }

    private void Add(IGraph graph)
    {
        if (!all.Exists(one => one.Graph == graph)) all.Add(new(graph, time));
    }
}
