using System.Collections;
using System.Reflection;

namespace Sluice.Pipelines;

/// <summary>Finds the named outputs of a node: those in its fields, and those that were made together with it.</summary>
/// <remarks>The outputs made with a node are noted in a list of the thread that makes it; no other thread sees the list.</remarks>
internal static class NodeOutputs
{
    [ThreadStatic]
    private static List<INamedOutput>? making;

    /// <summary>Notes that an output was made.</summary>
    public static void Made(INamedOutput output) => making?.Add(output);

    /// <summary>Makes a node, and notes the outputs that its constructor makes.</summary>
    public static TNode Make<TNode>(Func<TNode> factory, out List<INamedOutput> made)
    {
        List<INamedOutput>? around = making;         // a factory may make other nodes
        making = made = [];
        try
        {
            return factory();
        }
        finally
        {
            making = around;
        }
    }

    /// <summary>The outputs in the fields of a node, also in lists and dictionaries.</summary>
    public static IEnumerable<INamedOutput> In([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.AllFields)] Type type,
        object node)
    {
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic
            | BindingFlags.DeclaredOnly;
        for (Type? level = type; level is not null && level != typeof(object); level = level.BaseType)
        {
            foreach (FieldInfo field in level.GetFields(Own))
            {
                if (field.FieldType.IsValueType || field.FieldType.IsPointer || field.FieldType == typeof(string)) continue;
                object? value = field.GetValue(node);
                if (value is INamedOutput one) yield return one;
                IEnumerable several = value switch { IDictionary pairs => pairs.Values, IList list => list, _ => Array.Empty<object>() };
                foreach (object? item in several)
                {
                    if (item is not INamedOutput named) break;
                    yield return named;
                }
            }
        }
    }
}
