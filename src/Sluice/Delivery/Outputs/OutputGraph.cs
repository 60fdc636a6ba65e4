namespace Sluice.Delivery;

/// <summary>The graph of the wired outputs of this process: which consecutors feed which.</summary>
/// <remarks>Thread-safe. Wirings are added and never removed.</remarks>
internal static class OutputGraph
{
    private static int version;

    /// <summary>The number of wirings so far; it tells whether a cached answer is current.</summary>
    public static int Version => Volatile.Read(ref version);

    public static void Changed() => Interlocked.Increment(ref version);

    /// <summary>Returns all consecutors that are reachable through outputs; the start itself only if it is in a cycle.</summary>
    public static HashSet<ConsecutorCore> Behind(ConsecutorCore start)
    {
        HashSet<ConsecutorCore> found = [];
        var next = new Stack<ConsecutorCore>(start.Outputs.Targets);
        while (next.TryPop(out ConsecutorCore? core))
        {
            if (!found.Add(core)) continue;
            foreach (ConsecutorCore target in core.Outputs.Targets) next.Push(target);
        }
        return found;
    }

    /// <summary>Returns the other consecutors that are in a cycle with this one.</summary>
    public static IEnumerable<ConsecutorCore> InCycleWith(ConsecutorCore core)
        => Behind(core).Where(other => other != core && Behind(other).Contains(core));

    /// <summary>Returns a path between two consecutors, as <c>a -> b -> c</c>. A path must exist.</summary>
    public static string Way(ConsecutorCore from, ConsecutorCore to)
    {
        Dictionary<ConsecutorCore, ConsecutorCore> before = [];
        var next = new Queue<ConsecutorCore>([from]);
        while (!before.ContainsKey(to) && next.TryDequeue(out ConsecutorCore? core))
            foreach (ConsecutorCore target in core.Outputs.Targets)
                if (before.TryAdd(target, core)) next.Enqueue(target);
        List<string> way = [to.Name];
        for (ConsecutorCore at = to; before.TryGetValue(at, out ConsecutorCore? earlier);)
        {
            way.Add(earlier.Name);
            if (earlier == from) break;
            at = earlier;
        }
        way.Reverse();
        return string.Join(" -> ", way);
    }
}
