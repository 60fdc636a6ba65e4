using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;

namespace Sluice.Graphs;

/// <summary>Dictionaries with text keys, of whatever type: what graphs and data flows take apart by name.</summary>
/// <remarks>
/// A type says by its keys whether it is one: <c>IDictionary&lt;string, …&gt;</c>, <c>IReadOnlyDictionary&lt;string, …&gt;</c>. Only where
/// it does not say what its keys are, an
/// <c>IDictionary</c> such as a <c>Hashtable</c>, are they looked at. Thread-safe.
/// </remarks>
internal static class TextEntries
{
    private static readonly ConcurrentDictionary<Type, Keys> Known = new();

    private enum Keys
    {
        None,
        Texts,
        Unsaid,
    }

    /// <summary>Whether values of this type are such, or may be: that is known in a run only.</summary>
    public static bool MayBe(Type type) => type == typeof(object) || KeysOf(type) != Keys.None;

    /// <returns>Null where the value is no dictionary with text keys.</returns>
    public static IEnumerable<KeyValuePair<string, object?>>? Of(object value) => value switch
    {
        IReadOnlyDictionary<string, object?> or IDictionary<string, object?> => (IEnumerable<KeyValuePair<string, object?>>)value,
        _ => KeysOf(value.GetType()) switch
        {
            Keys.Texts => value is IDictionary entries ? Texts(entries) : Pairs((IEnumerable)value),
            Keys.Unsaid when value is IDictionary entries && entries.Keys.Cast<object>().All(key => key is string) => Texts(entries),
            _ => null,
        },
    };

    private static Keys KeysOf(Type type) => type.IsPrimitive || type == typeof(string) ? Keys.None : Known.GetOrAdd(type, FindKeys);

    [UnconditionalSuppressMessage("Trimming", "IL2070",
        Justification = "The interfaces that are looked for are named here, so trimming leaves them to every type that has them.")]
    private static Keys FindKeys(Type type)
    {
        Type[] dictionaries = Array.FindAll([type, .. type.GetInterfaces()], IsDictionary);
        if (Array.Exists(dictionaries, one => one.GetGenericArguments()[0] == typeof(string))) return Keys.Texts;
        return dictionaries.Length == 0 && type.IsAssignableTo(typeof(IDictionary)) ? Keys.Unsaid : Keys.None;
    }

    private static bool IsDictionary(Type type)
        => type.IsGenericType && type.GetGenericTypeDefinition() is var definition
        && (definition == typeof(IDictionary<,>) || definition == typeof(IReadOnlyDictionary<,>));

    // Its own enumerator tells entries; that of a generic dictionary, by which LINQ goes, tells pairs.
    private static IEnumerable<KeyValuePair<string, object?>> Texts(IDictionary entries)
    {
        foreach (DictionaryEntry entry in entries) yield return KeyValuePair.Create((string)entry.Key, entry.Value);
    }

    /// <summary>Pairs whose type is known only when they are there.</summary>
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicProperties, typeof(KeyValuePair<,>))]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The properties of pairs are kept by the attribute above.")]
    private static IEnumerable<KeyValuePair<string, object?>> Pairs(IEnumerable pairs)
    {
        (PropertyInfo Key, PropertyInfo Value)? members = null;
        foreach (object pair in pairs)
        {
            members ??= (pair.GetType().GetProperty("Key")!, pair.GetType().GetProperty("Value")!);
            yield return KeyValuePair.Create((string)members.Value.Key.GetValue(pair)!, members.Value.Value.GetValue(pair));
        }
    }
}
