using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>What a node's result is taken apart into, as far as the type of the node says so. Immutable: any thread.</summary>
internal sealed class MergedParts
{
    private readonly string node;
    private readonly PropertyInfo[]? members;        // null: it stays whole, unless it is a dictionary

    /// <param name="node">The name of what stays whole.</param>
    /// <param name="type">What the node produces.</param>
    public MergedParts(string node, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
    {
        this.node = node;
        if (type == typeof(Unit)) members = [];
        else if (TextEntries.MayBe(type)) IsOpen = true;
        else members = MembersOf(Nullable.GetUnderlyingType(type) ?? type);
    }

    /// <summary>Whether the names are known in a run only: those of a dictionary, or of an object that may be one.</summary>
    public bool IsOpen { get; }

    /// <summary>The names; of no meaning where it is open.</summary>
    public IEnumerable<string> Names => members?.Select(member => member.Name) ?? [node];

    /// <exception cref="InvalidOperationException">A property cannot be read: the message names it.</exception>
    public IEnumerable<KeyValuePair<string, object?>> Read(object value)
        => IsOpen && TextEntries.Of(value) is { } entries ? entries
            : members?.Select(member => KeyValuePair.Create(CamelCase(member.Name), NamedProperties.Read(member, value)))
            ?? [new(node, value)];

    /// <summary>The properties that a value is taken apart into; null if it stays whole, as what the base library defines does, and collections.</summary>
    private static PropertyInfo[]? MembersOf([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] Type type)
    {
        bool isForeign = type.Namespace is "System" || type.Namespace?.StartsWith("System.", StringComparison.Ordinal) == true;
        if (isForeign || type.IsPrimitive || type.IsEnum || type.IsAssignableTo(typeof(IEnumerable)) || type.IsAssignableTo(typeof(Delegate))) return null;
        return NamedProperties.Readable(type) is { Length: > 0 } found ? found : null;
    }

    private static string CamelCase(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
