namespace Sluice.Graphs;

/// <summary>
/// Says which parents had no value when a node failed on a null: the exception names neither the parent nor its failure.
/// </summary>
internal static class MissingParents
{
    /// <returns>A sentence for each such parent; null if there is none, or if the node failed otherwise.</returns>
    public static string? Explain(GraphContext context, int node, Exception failure)
    {
        if (failure is AggregateException { InnerExceptions: [var first, ..] }) failure = first;
        // The functions of a data flow have no parents, but bound parameters.
        if (failure is not (NullReferenceException or ArgumentNullException) || context.Plan.Nodes[node].Family is null
            || context.SlotOf(node).Status != NodeStatus.Failed) return null;
        int[] parents = context.Plan.Parents[node];
        string[] missing = [.. parents.Select((parent, index) => (parent, index))
            .Where(one => Array.IndexOf(parents, one.parent) == one.index && one.parent < context.Plan.Nodes.Length)
            .Select(one => Explain(context, context.Plan.Nodes[node], one.parent, one.index)).OfType<string>()];
        return missing.Length == 0 ? null : string.Join(' ', missing);
    }

    private static string? Explain(GraphContext context, NodeDefinition node, int parent, int index)
    {
        NodeDetails? details = context.FindDetails(parent);
        (string Kind, string Why)? missing = context.SlotOf(parent).Status switch
        {
            NodeStatus.Failed when details?.Exception is { } failure
                => ("optional parent", $"{failure.GetType().Name}: {FirstLine(FailureText.MessageOf(failure))}"),
            NodeStatus.Skipped => ("parent", $"it was skipped, as {details?.Without ?? "one of its parents"} has none"),
            _ => null,
        };
        return missing is var (kind, why) ? $"Its {kind} {context.Plan.Nodes[parent].Name} has no value ({why}): write "
            + $"{ParameterOf(node, index)}?. or another value for that case." : null;
    }

    // A trimmed program may not know the name.
    private static string? ParameterOf(NodeDefinition node, int index)
    {
        if (node.ParentTypes is null) return null;
        bool isBound = node.Function is { Target: not null, Method.IsStatic: true };       // to an argument before the others
        return node.Function.Method.GetParameters().ElementAtOrDefault(isBound ? index + 1 : index)?.Name;
    }

    private static string FirstLine(string text) => text.Trim().Split('\n', 2)[0].TrimEnd();
}
