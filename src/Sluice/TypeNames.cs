using System.Globalization;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Short names of types, as C# code would write them: <c>IEnumerable&lt;(Airport, int?)&gt;</c>.</summary>
/// <remarks>Other packages compile this file, too, so that all messages name types alike.</remarks>
internal static partial class TypeNames
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

    /// <summary>The name; namespaces and outer types are left out, which pictures and messages have no room for.</summary>
    internal static string Of(Type type) => Of(type, static _ => null);

    /// <summary>Whether the compiler has made the type for <c>new { … }</c>.</summary>
    internal static bool IsAnonymous(Type type) => type.Name.StartsWith("<>f__AnonymousType", StringComparison.Ordinal);

    private static string Of(Type type, Func<Type, string?> nameOf)
    {
        if (Keywords.TryGetValue(type, out var keyword)) return keyword;
        if (type.IsArray) return OfArray(type, nameOf);
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Of(underlying, nameOf) + "?";
        if (type.IsByRef || type.IsPointer) return Of(type.GetElementType()!, nameOf) + (type.IsByRef ? "&" : "*");
        if (IsAnonymous(type)) return "anonymous type";
        if (!type.IsGenericType) return nameOf(type) ?? type.Name;

        // A type nested in a generic one lists the outer arguments first; only its own belong to its short name.
        var tick = type.Name.IndexOf('`', StringComparison.Ordinal);
        if (tick < 0) return type.Name;
        var own = int.Parse(type.Name.AsSpan(tick + 1), CultureInfo.InvariantCulture);
        var arguments = string.Join(", ", type.GetGenericArguments()[^own..].Select(argument => Of(argument, nameOf)));
        var isTuple = type.IsValueType && own > 1 && type.IsAssignableTo(typeof(ITuple));
        if (isTuple) return $"({arguments})";
        return $"{nameOf(type.GetGenericTypeDefinition()) ?? type.Name[..tick]}<{arguments}>";
    }

    // C# writes the ranks of an array of arrays from the outside in, reflection nests them from the inside out.
    private static string OfArray(Type type, Func<Type, string?> nameOf)
    {
        var ranks = "";
        var element = type;
        while (element.IsArray)
        {
            ranks += "[" + new string(',', element.GetArrayRank() - 1) + "]";
            element = element.GetElementType()!;
        }

        return Of(element, nameOf) + ranks;
    }
}
