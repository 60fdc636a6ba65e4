using System.Collections;
using System.Reflection;

namespace Sluice.Graphs;

/// <summary>The named parts of a node's value, as far as the node's type shows them. Immutable, thread-safe.</summary>
internal sealed class MergedParts
{
    private readonly string node;
    private readonly Type type;
    private readonly PropertyInfo[]? members;        // null: the value stays whole, unless it is a dictionary

    /// <param name="node">The name of a value that stays whole.</param>
    /// <param name="type">The type of the node's value.</param>
    public MergedParts(string node, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
    {
        (this.node, this.type) = (node, type);
        if (type == typeof(Unit)) members = [];
        else if (TextEntries.MayBe(type)) IsOpen = true;
        else members = MembersOf(Nullable.GetUnderlyingType(type) ?? type);
    }

    /// <summary>Whether names are known only in a run: the value is, or may be, a dictionary.</summary>
    public bool IsOpen { get; }

    /// <returns>The part of this name, as text for people.</returns>
    public string Describe(string name)
        => members?.FirstOrDefault(member => member.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } member
            ? $"the property {member.Name} of '{node}' ({TypeNames.Of(type)})"
            : IsOpen ? $"the entry \"{name}\" of '{node}' ({TypeNames.Of(type)})" : $"the value of '{node}' ({TypeNames.Of(type)})";

    /// <exception cref="InvalidOperationException">A property cannot be read; the message names it.</exception>
    public IEnumerable<KeyValuePair<string, object?>> Read(object value)
        => IsOpen && TextEntries.Of(value) is { } entries ? entries
            : members?.Select(member => KeyValuePair.Create(CamelCase(member.Name), NamedProperties.Read(member, value)))
            ?? [new(node, value)];

    /// <summary>The properties of a type; null if its values stay whole, as collections and types of the base library do.</summary>
    private static PropertyInfo[]? MembersOf([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
    {
        bool isForeign = type.Namespace is "System" || type.Namespace?.StartsWith("System.", StringComparison.Ordinal) == true;
        if (isForeign || type.IsPrimitive || type.IsEnum || type.IsAssignableTo(typeof(IEnumerable))
            || type.IsAssignableTo(typeof(Delegate))) return null;
        return NamedProperties.Readable(type) is { Length: > 0 } found ? found : null;
    }

    private static string CamelCase(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
