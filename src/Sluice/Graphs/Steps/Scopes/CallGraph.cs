namespace Sluice.Graphs;

/// <summary>The calls of a scope with their dependencies, for a drawing, without edges that close circles. Not thread-safe.</summary>
internal sealed class CallGraph
{
    private readonly List<CallRecord>[] dependencies;
    private readonly Dictionary<int, List<CallRecord>> leftOut = [];

    /// <param name="all">The records, by number.</param>
    public CallGraph(CallRecord[] all)
    {
        dependencies = Array.ConvertAll(all, record => record.Dependencies.FindAll(dependency => dependency.Number < all.Length));
        // Only an await can lead to a later call; without one there is no circle.
        if (Array.Exists(all, record => dependencies[record.Number].Exists(dependency => dependency.Number >= record.Number)))
            LeaveOutCircles(all);
    }

    public IEnumerable<CallRecord> Drawn(CallRecord record) => dependencies[record.Number];

    public IEnumerable<CallRecord> LeftOut(CallRecord record) => leftOut.GetValueOrDefault(record.Number, []);

    /// <summary>Walks all paths depth first, and omits edges that lead back into the current path.</summary>
    private void LeaveOutCircles(CallRecord[] all)
    {
        var isOnPath = new bool[all.Length];
        var isDone = new bool[all.Length];
        Stack<(CallRecord Record, int Next)> path = new();
        foreach (CallRecord start in all)
        {
            if (isDone[start.Number]) continue;
            path.Push((start, 0));
            isOnPath[start.Number] = true;
            while (path.TryPop(out (CallRecord Record, int Next) at))
            {
                List<CallRecord> next = dependencies[at.Record.Number];
                if (at.Next == next.Count)
                {
                    isOnPath[at.Record.Number] = false;
                    isDone[at.Record.Number] = true;
                    continue;
                }
                CallRecord dependency = next[at.Next];
                if (isOnPath[dependency.Number])
                {
                    next.RemoveAt(at.Next);
                    if (!leftOut.TryGetValue(at.Record.Number, out List<CallRecord>? known)) leftOut.Add(at.Record.Number, known = []);
                    known.Add(dependency);
                    path.Push(at);
                    continue;
                }
                path.Push((at.Record, at.Next + 1));
                if (isDone[dependency.Number]) continue;
                path.Push((dependency, 0));
                isOnPath[dependency.Number] = true;
            }
        }
    }
}
