namespace Sluice.Graphs;

/// <summary>Merges the values of nodes by name.</summary>
internal sealed class MergedView
{
    private readonly Dictionary<string, (object? Value, string Node)> values = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> names = [];
    private MergeConflictException? conflict;

    /// <param name="context">The resolve.</param>
    /// <param name="conflict">The first conflict in topological order; meaningless if the last value wins.</param>
    /// <exception cref="NodeFailedException">User code has thrown: a property getter, or the comparison of two values. The message says
    /// which.</exception>
    public static Dictionary<string, object?> Of(GraphContext context, out MergeConflictException? conflict)
    {
        var view = new MergedView();
        NodeDefinition[] nodes = context.Plan.Nodes;
        for (int node = 0; node < nodes.Length; node++)
        {
            if (!context.HasSomething(node)) continue;
            try
            {
                foreach (var (name, value) in nodes[node].Parts.Read(context.Boxed(node)!)) view.Add(name, value, nodes[node].Name);
            }
            catch (Exception e)
            {
                throw new NodeFailedException(context.Term, nodes[node].Name, e, []);
            }
        }
        conflict = view.conflict;
        var merged = new Dictionary<string, object?>(view.values.Count, StringComparer.OrdinalIgnoreCase);
        foreach (string name in view.names) merged.Add(name, view.values[name].Value);
        return merged;
    }

    /// <summary>Whether two nodes may produce the same name; computed at build time, so that other graphs skip the check.</summary>
    public static bool MayConflict(NodeDefinition[] nodes)
    {
        var known = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (NodeDefinition node in nodes)
        {
            if (node.Parts.IsOpen) return true;
            foreach (string name in node.Parts.Names) if (!known.Add(name)) return true;
        }
        return false;
    }

    /// <summary>Adds a value; the later of two values of the same name stays.</summary>
    private void Add(string name, object? value, string node)
    {
        if (values.TryGetValue(name, out var known))
        {
            values[name] = (value, node);
            if (!AreEqual(known.Value, value, name, known.Node)) conflict ??= new(name, known.Node, node);
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
            throw new InvalidOperationException($"Its \"{name}\" cannot be compared with that of {other}: {e.GetType().Name}: {e.Message}",
                e);
        }
    }
}
