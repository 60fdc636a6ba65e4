using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>Puts what nodes have produced together by name.</summary>
internal sealed class MergedView
{
    private readonly Dictionary<string, (object? Value, string Node)> values = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> names = [];

    /// <param name="context">A resolve that has ended.</param>
    /// <param name="conflict">The first one, in topological order; of no meaning where the last wins.</param>
    public static Dictionary<string, object?> Of(Context context, out MergeConflictException? conflict)
    {
        var view = new MergedView();
        conflict = null;
        NodeDefinition[] nodes = context.Plan.Nodes;
        for (int node = 0; node < nodes.Length; node++)
        {
            if (!context.HasSomething(node)) continue;
            foreach (var (name, value) in Parts(nodes[node], context.Boxed(node)!))
                if (!view.TryAdd(name, value, nodes[node].Name, out string other)) conflict ??= new(name, other, nodes[node].Name);
        }
        var merged = new Dictionary<string, object?>(view.values.Count, StringComparer.OrdinalIgnoreCase);
        foreach (string name in view.names) merged.Add(name, view.values[name].Value);
        return merged;
    }

    /// <summary>Whether two of these may produce one name: found when a graph is built, so that a resolve need not look.</summary>
    public static bool MayConflict(NodeDefinition[] nodes)
    {
        if (nodes.Length > 1 && Array.Exists(nodes, node => IsEntries(node.Type))) return true;
        var known = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (NodeDefinition node in nodes)
        {
            if (node.Type == typeof(object) && nodes.Length > 1) return true;
            if (Members(node.Type) is not { } members)
            {
                if (!known.Add(node.Name)) return true;
                continue;
            }
            foreach (PropertyInfo member in members) if (!known.Add(member.Name)) return true;
        }
        return false;
    }

    /// <returns>False if there is another value of this name; the new one has taken its place.</returns>
    private bool TryAdd(string name, object? value, string node, out string other)
    {
        if (values.TryGetValue(name, out var known))
        {
            other = known.Node;
            values[name] = (value, node);
            return Equals(known.Value, value);
        }
        values.Add(name, (value, node));
        names.Add(name);
        other = "";
        return true;
    }

    private static IEnumerable<(string Name, object? Value)> Parts(NodeDefinition node, object value)
    {
        if (value is IDictionary entries && entries.Keys.OfType<string>().Count() == entries.Count)
        {
            foreach (DictionaryEntry entry in entries) yield return ((string)entry.Key, entry.Value);
        }
        else if (Members(node.Type) is { } members)
        {
            foreach (PropertyInfo member in members) yield return (CamelCase(member.Name), member.GetValue(value));
        }
        else
        {
            yield return (node.Name, value);
        }
    }

    private static bool IsEntries(Type type)
        => type.IsAssignableTo(typeof(IDictionary)) || (type is { IsInterface: true, IsGenericType: true } && type.GetGenericArguments() is [{ } key, _] && key == typeof(string));

    /// <summary>The properties that a value is taken apart into; null if it stays whole, as what the base library defines does.</summary>
    private static PropertyInfo[]? Members([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        bool isForeign = type.Namespace is "System" || type.Namespace?.StartsWith("System.", StringComparison.Ordinal) == true;
        if (isForeign || type.IsPrimitive || type.IsEnum || type.IsAssignableTo(typeof(IEnumerable)) || type.IsAssignableTo(typeof(Delegate))) return null;
        PropertyInfo[] members = Array.FindAll(type.GetProperties(BindingFlags.Public | BindingFlags.Instance), member => member.CanRead && member.GetIndexParameters().Length == 0);
        return members.Length == 0 ? null : members;
    }

    private static string CamelCase(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
