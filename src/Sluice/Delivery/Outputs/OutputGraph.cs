namespace Sluice;

/// <summary>Which consecutors of this process feed which others.</summary>
/// <remarks>Thread-safe. What is wired is never unwired.</remarks>
internal static class OutputGraph
{
    private static int version;

    /// <summary>Counts what is wired anywhere.</summary>
    public static int Version => Volatile.Read(ref version);

    public static void Changed() => Interlocked.Increment(ref version);

    /// <summary>All that what a consecutor puts out may get to; itself only if it is in a cycle.</summary>
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

    /// <summary>The others that it is in a cycle with.</summary>
    public static IEnumerable<ConsecutorCore> InCycleWith(ConsecutorCore core) => Behind(core).Where(other => other != core && Behind(other).Contains(core));

    /// <summary>A way from one to another, as <c>a -> b -> c</c>; there is one.</summary>
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
