namespace Sluice.Graphs;

/// <summary>Merges the values of nodes by name.</summary>
internal sealed class MergedView
{
    private readonly Dictionary<string, (object? Value, NodeDefinition Node)> values = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> names = [];

    /// <param name="context">The resolve.</param>
    /// <exception cref="MergeConflictException">Two values of one name differ, and the options do not let the last one win.</exception>
    /// <exception cref="NodeFailedException">User code has thrown: a property getter, or the comparison of two values. The message says
    /// which.</exception>
    public static Dictionary<string, object?> Of(GraphContext context)
    {
        var view = new MergedView();
        bool lastWins = context.Plan.Options.LastWins;
        NodeDefinition[] nodes = context.Plan.Nodes;
        for (int node = 0; node < nodes.Length; node++)
        {
            if (!context.HasSomething(node)) continue;
            try
            {
                foreach (var (name, value) in nodes[node].Parts.Read(context.Boxed(node)!)) view.Add(name, value, nodes[node], lastWins);
            }
            catch (Exception e) when (e is not MergeConflictException)
            {
                throw new NodeFailedException(context, node, e, []);
            }
        }
        var merged = new Dictionary<string, object?>(view.values.Count, StringComparer.OrdinalIgnoreCase);
        foreach (string name in view.names) merged.Add(name, view.values[name].Value);
        return merged;
    }

    /// <summary>Adds a value; the later of two values of the same name stays.</summary>
    private void Add(string name, object? value, NodeDefinition node, bool lastWins)
    {
        if (values.TryGetValue(name, out var known))
        {
            if (!lastWins && !AreEqual(known.Value, value, name, known.Node.Name))
                throw MergeConflictException.InView(name, known.Node, node);
            values[name] = (value, node);
            return;
        }
        values.Add(name, (value, node));
        names.Add(name);
    }

    private static bool AreEqual(object? known, object? value, string name, string other)
    {
        try
        {
            return Equals(known, value);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Its \"{name}\" cannot be compared with that of {other}: {e.GetType().Name}: "
                + FailureText.MessageOf(e),
                e);
        }
    }
}
