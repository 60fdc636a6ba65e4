using System.Globalization;
using System.Text;

namespace Sluice;

/// <summary>A resolve for people: how each node ended, when, and what the whole waited for.</summary>
internal static class ContextText
{
    public static string Of(Context context, Resolution resolution)
    {
        IReadOnlyList<NodeOutcome> outcomes = context.Outcomes;
        HashSet<int> critical = resolution.RecordsTimings ? CriticalPath(resolution) : [];
        var text = new StringBuilder();
        for (int node = 0; node < outcomes.Count; node++)
        {
            NodeOutcome outcome = outcomes[node];
            if (resolution.RecordsTimings)
            {
                text.Append(critical.Contains(node) ? "* " : "  ").Append(CultureInfo.InvariantCulture,
                    $"{outcome.Started.TotalMilliseconds,9:0.00} {outcome.Elapsed.TotalMilliseconds,9:0.00} ms  ");
            }
            text.Append(outcome).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>From the node that ended last, back to the parent that ended last, and so on.</summary>
    public static HashSet<int> CriticalPath(Resolution resolution)
    {
        HashSet<int> path = [];
        int? at = Latest(resolution, Enumerable.Range(0, resolution.Slots.Length));
        while (at is { } node && path.Add(node)) at = Latest(resolution, resolution.Plan.Parents[node]);
        return path;
    }

    private static int? Latest(Resolution resolution, IEnumerable<int> nodes)
        => nodes.Where(node => resolution.Slots[node] is { Details.Ended: not 0 }).Select(node => (int?)node).MaxBy(node => resolution.Slots[node!.Value]!.Details!.Ended);
}
