using System.Reflection;
using Member = System.Reflection.MemberInfo;

namespace Sluice.Graphs;

/// <summary>The values that a function's result has, as far as its type shows them.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class ResultBinding
{
    /// <summary>Null if the result stays whole; empty for a function without a result.</summary>
    private readonly (string Name, Member[] Path, Type Type)[]? members;

    private ResultBinding(Type type, bool isOpen, (string, Member[], Type)[]? members)
        => (NodeType, IsOpen, this.members) = (type, isOpen, members);

    /// <summary>The type of the node's value.</summary>
    public Type NodeType { get; }

    /// <summary>Whether the names are known only in a run.</summary>
    public bool IsOpen { get; }

    public bool IsNothing => members is [] && !IsOpen;

    public static ResultBinding Of(DataFlowFunction function, FunctionSignature signature)
    {
        if (signature.Value is not { } type) return new(typeof(Unit), false, []);
        ResultBinding result = Of(type, function, signature);
        if (function.Positions is not { } positions)
            return function.Dropped.Count == 0 || result.IsOpen ? result : result.Without(function);
        if (result.Members(function) is not { } members)
            throw new DataFlowException(
                $"{function.Name} cannot name its outputs by position: {TypeNames.Of(type)} has names that are known only when it has "
                    + $"run. Use RenameOutput.");
        if (positions.Count != members.Length)
            throw new DataFlowException(
                $"{function.Name} gives {members.Length} value{(members.Length == 1 ? "" : "s")} ({TypeNames.Of(type)}), and is "
                    + $"given {positions.Count} name{(positions.Count == 1 ? "" : "s")}. Name each position, with null for one that is "
                    + $"left out.");
        return new ResultBinding(type, false, [.. members.Select((member, i) => (positions[i]!, member.Path, member.Type))
            .Where(member => member.Item1 is not null)]).Without(function);
    }

    private static ResultBinding Of(Type type, DataFlowFunction function, FunctionSignature signature)
    {
        if (function.ValueName is not null) return new(type, false, null);
        if (TextEntries.MayBe(type)) return new(typeof(NamedValues), true, []);
        Type inner = BoundValue.Underlying(type) ?? type;
        if (TupleNames(inner, signature, function.Positions is not null) is { } names)
            return new(type, false, [.. names.Select((name, i) => Element(inner, name, i))]);
        return HasNames(inner)
            ? new(type, false, [.. NamedProperties.Readable(inner)
            .Select(property => (FunctionSignature.CamelCase(property.Name), new Member[] { property }, property.PropertyType))])
            : new(type, false, null);
    }

    /// <summary>The members by position; null if names are known only in a run.</summary>
    private (string Name, Member[] Path, Type Type)[]? Members(DataFlowFunction function)
        => IsOpen ? null : members ?? [(function.PlainName, [], NodeType)];

    private ResultBinding Without(DataFlowFunction function)
        => function.Dropped.Count == 0 ? this : new(NodeType, false, [.. Members(function)!.Where(member => !function.Drops(member.Name))]);

    /// <param name="draft">The node of the function.</param>
    /// <param name="plain">The name of a result that stays whole.</param>
    /// <param name="renamed">Other names of results.</param>
    public BindingSources Bag(BindingDraft draft, string plain, IReadOnlyDictionary<string, string> renamed)
    {
        if (IsOpen) return new FlowResults([new OpenValue(draft)]);
        if (members is null) return new FlowResults([new ProducedValue(draft, Renamed(plain), [], NodeType)]);
        return new FlowResults([.. members.Select(member => new ProducedValue(draft, Renamed(member.Name), member.Path, member.Type))]);

        string Renamed(string name) => renamed.GetValueOrDefault(name, name);
    }

    /// <summary>The names of the values; null if they are known only in a run.</summary>
    public IReadOnlyList<string>? Names(string plain)
        => IsOpen ? null : members is null ? [plain] : [.. members.Select(member => member.Name)];

    public bool IsLike(ResultBinding other)
        => NodeType == other.NodeType && IsOpen == other.IsOpen && (members is null) == (other.members is null)
            && (members ?? []).Select(member => member.Name)
            .SequenceEqual((other.members ?? []).Select(member => member.Name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a type is a record or an anonymous type.</summary>
    public static bool HasNames(Type type)
        => type.Name.Contains("AnonymousType", StringComparison.Ordinal)
            || type.GetMethod("<Clone>$", BindingFlags.Public | BindingFlags.Instance) is not null
            || (type.IsValueType && type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance, [typeof(StringBuilder)])
            ?.IsDefined(typeof(CompilerGeneratedAttribute)) == true);

    /// <summary>The names of a tuple's elements; null if it is no tuple or has none.</summary>
    private static string[]? TupleNames(Type type, FunctionSignature signature, bool byPosition)
    {
        if (!type.IsValueType || !type.IsAssignableTo(typeof(ITuple))) return null;
        int count = CountOf(type);
        if (byPosition) return [.. Enumerable.Range(1, count).Select(position => $"item{position}")];
        string?[] names = [.. (signature.Method.ReturnParameter.GetCustomAttribute<TupleElementNamesAttribute>()?.TransformNames
            ?? []).Take(count)];
        if (Array.TrueForAll(names, name => name is null)) return null;
        int unnamed = Array.IndexOf(names, null);
        if (unnamed >= 0) throw new DataFlowException(
            $"{signature.Name ?? "A lambda"} returns a tuple whose member {unnamed + 1} has no name, and others have. Values are passed "
                + $"on by name: name all of them.");
        return names!;
    }

    private static int CountOf(Type tuple) => tuple.GetGenericArguments() is { Length: 8 } arguments ? 7 + CountOf(arguments[7])
        : tuple.GetGenericArguments().Length;

    private static (string Name, Member[] Path, Type Type) Element(Type tuple, string name, int index)
    {
        List<Member> path = [];
        for (; index >= 7; index -= 7)
        {
            FieldInfo rest = tuple.GetField("Rest")!;
            path.Add(rest);
            tuple = rest.FieldType;
        }
        FieldInfo item = tuple.GetField($"Item{index + 1}")!;
        return (FunctionSignature.CamelCase(name), [.. path, item], item.FieldType);
    }
}
