using System.Globalization;
using System.Text;

namespace Sluice;

/// <summary>A resolve for people: how each node ended, when, and what the whole waited for.</summary>
internal static class ContextText
{
    public static string Of(Context context)
    {
        IReadOnlyList<NodeOutcome> outcomes = context.Outcomes;
        HashSet<int> critical = context.RecordsTimings ? CriticalPath(context) : [];
        var text = new StringBuilder();
        for (int node = 0; node < outcomes.Count; node++)
        {
            NodeOutcome outcome = outcomes[node];
            if (context.RecordsTimings)
            {
                text.Append(critical.Contains(node) ? "* " : "  ").Append(CultureInfo.InvariantCulture,
                    $"{outcome.Started.TotalMilliseconds,9:0.00} {outcome.Elapsed.TotalMilliseconds,9:0.00} ms  ");
            }
            text.Append(outcome).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>From the node that ended last, back to the parent that ended last, and so on.</summary>
    public static HashSet<int> CriticalPath(Context context)
    {
        HashSet<int> path = [];
        int? at = Latest(context, Enumerable.Range(0, context.Plan.Nodes.Length));
        while (at is { } node && path.Add(node)) at = Latest(context, context.Plan.Parents[node]);
        return path;
    }

    private static int? Latest(Context context, IEnumerable<int> nodes)
        => nodes.Where(node => context.FindDetails(node) is { Ended: not 0 }).Select(node => (int?)node).MaxBy(node => context.FindDetails(node!.Value)!.Ended);
}
