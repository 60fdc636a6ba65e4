namespace Sluice.Graphs;

/// <summary>Formats a resolve for people: the outcome and times of each node, and the critical path.</summary>
internal static class ContextText
{
    public static string Of(GraphContext context)
    {
        IReadOnlyList<NodeOutcome> outcomes = context.Outcomes;
        HashSet<string> critical = [.. context.Topology.CriticalPath.Select(node => node.Name)];
        var text = new StringBuilder();
        for (int node = 0; node < outcomes.Count; node++)
        {
            NodeOutcome outcome = outcomes[node];
            if (context.RecordsTimings)
            {
                text.Append(critical.Contains(outcome.Node) ? "* " : "  ").Append(CultureInfo.InvariantCulture,
                    $"{outcome.Started.TotalMilliseconds,9:0.00} {outcome.Elapsed.TotalMilliseconds,9:0.00} ms  ");
            }
            text.Append(outcome).Append('\n');
        }
        return text.ToString();
    }
}
