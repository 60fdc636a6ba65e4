using Sluice.Diagnostics;
using Sluice.Graphs;
using Sluice.Storage;

namespace Sluice;

/// <summary>Short names of types, as C# code would write them: <c>IEnumerable&lt;(Airport, int?)&gt;</c>.</summary>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(char)] = "char",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
        [typeof(void)] = "void",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
    };

    // Stored names of the library's own types: run journals and rows of state have them, so a rename in the code leaves them as they are.
    private static readonly Dictionary<Type, string> Stored = new()
    {
        [typeof(BatchCompleted)] = "BatchEnd",
        [typeof(DeadLetter)] = "DeadLetter",
        [typeof(EntryId)] = "EntryId",
        [typeof(EntryKey)] = "EntryKey",
        [typeof(FileLine)] = "FileLine",
        [typeof(Group<,>)] = "Group",
        [typeof(ItemLogEntry)] = "ItemLog",
        [typeof(Unit)] = "Nothing",
        [typeof(WithPosition<>)] = "Positioned",
        [typeof(Settled<>)] = "Settled",
        [typeof(StepInput<>)] = "StepRecord",
        [typeof(Tick)] = "Tick",
        [typeof(Window<>)] = "Window",
    };

    /// <summary>The name; namespaces and outer types are left out, which pictures and messages have no room for.</summary>
    internal static string Of(Type type) => Of(type, isStored: false);

    /// <summary>The name that is stored, or sent to another program, and compared there.</summary>
    internal static string ToStore(Type type) => Of(type, isStored: true);

    private static string Of(Type type, bool isStored)
    {
        if (Keywords.TryGetValue(type, out var keyword)) return keyword;
        if (type.IsArray) return OfArray(type, isStored);
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Of(underlying, isStored) + "?";
        if (type.IsByRef || type.IsPointer) return Of(type.GetElementType()!, isStored) + (type.IsByRef ? "&" : "*");
        if (type.Name.StartsWith("<>f__AnonymousType", StringComparison.Ordinal)) return "anonymous type";
        if (!type.IsGenericType) return isStored ? Stored.GetValueOrDefault(type, type.Name) : type.Name;

        // A type nested in a generic one lists the outer arguments first; only its own belong to its short name.
        var tick = type.Name.IndexOf('`', StringComparison.Ordinal);
        if (tick < 0) return type.Name;
        var own = int.Parse(type.Name.AsSpan(tick + 1), System.Globalization.CultureInfo.InvariantCulture);
        var arguments = string.Join(", ", type.GetGenericArguments()[^own..].Select(argument => Of(argument, isStored)));
        var isTuple = type.IsValueType && own > 1 && type.IsAssignableTo(typeof(ITuple));
        if (isTuple) return $"({arguments})";
        string name = isStored && Stored.TryGetValue(type.GetGenericTypeDefinition(), out string? stored) ? stored : type.Name[..tick];
        return $"{name}<{arguments}>";
    }

    // C# writes the ranks of an array of arrays from the outside in, reflection nests them from the inside out.
    private static string OfArray(Type type, bool isStored)
    {
        var ranks = "";
        var element = type;
        while (element.IsArray)
        {
            ranks += "[" + new string(',', element.GetArrayRank() - 1) + "]";
            element = element.GetElementType()!;
        }

        return Of(element, isStored) + ranks;
    }
}
