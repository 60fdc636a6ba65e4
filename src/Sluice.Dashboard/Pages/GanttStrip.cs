using Sluice.Graphs;

namespace Sluice.Dashboard.Pages;

/// <summary>Bars of nodes over the time of a resolve.</summary>
internal static class GanttStrip
{
    private const int MaxBars = 100, BarHeight = 5;

    /// <summary>The nodes below each other, in topological order.</summary>
    public static Markup Draw(ResolveRecord resolve, IReadOnlyList<string> names, HashSet<int> critical, string label)
    {
        int count = Math.Min(resolve.Nodes.Length, MaxBars), row = 0;
        var bars = new List<Markup>(count);
        for (int node = 0; node < count; node++)
            bars.Add(Bar(resolve, node, row++ * BarHeight, BarHeight - 1, critical.Contains(node), names[node]));
        return Strip.Draw(bars, Math.Max(1, count) * BarHeight, label);
    }

    /// <summary>One node.</summary>
    public static Markup DrawOne(ResolveRecord resolve, int node, bool isCritical, string label)
        => Strip.Draw([Bar(resolve, node, 0, 10, isCritical, null)], 10, label);

    private static Markup Bar(ResolveRecord resolve, int number, int y, int height, bool isCritical, string? name)
    {
        NodeRun node = resolve.Nodes[number];
        if (node.Status == NodeStatus.NotStarted) return Markup.None;
        double whole = Math.Max(1, resolve.Elapsed.Ticks);
        // A node that was left behind may end after its resolve.
        long ended = node.Status == NodeStatus.Running ? resolve.Elapsed.Ticks : node.Started.Ticks + node.Elapsed.Ticks;
        return Strip.Bar(node.Status.ToString().ToLowerInvariant() + (isCritical ? " critical" : ""), node.Started.Ticks / whole,
            ended / whole, y, height, name is null ? null : $"{VisibleText.Shorten(name, 60)}, {Shown.Duration(node.Elapsed)}");
    }
}
