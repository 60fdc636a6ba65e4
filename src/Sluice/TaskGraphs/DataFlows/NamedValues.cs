using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>Values by name, as a function has made them of a dictionary or of an object whose type nobody knew before. Immutable.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class NamedValues
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> Members = new();
    private static readonly NamedValues Nothing = new([]);

    private readonly Dictionary<string, object?> values;

    private NamedValues(Dictionary<string, object?> values) => this.values = values;

    public IReadOnlyDictionary<string, object?> Entries => values;

    public bool Has(string name) => values.ContainsKey(name);

    public object? Get(string name) => values[name];

    /// <param name="result">A dictionary, an object with names, or any other value.</param>
    /// <param name="plain">What a value is called that has no names.</param>
    /// <param name="function">Who made it.</param>
    /// <param name="renamed">Other names.</param>
    /// <exception cref="DataFlowException">Two names differ in nothing but their case.</exception>
    public static NamedValues Of(object? result, string plain, string function, IReadOnlyDictionary<string, string> renamed)
    {
        if (result is null) return Nothing;
        var named = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in Parts(result) ?? [new(plain, result)])
        {
            string name = renamed.GetValueOrDefault(key, key);
            if (!named.TryAdd(name, value)) throw new DataFlowException($"{function} gives \"{name}\" twice: names are the same whatever their case.");
        }
        return new(named);
    }

    /// <summary>The entries of a dictionary with text keys, the members of a record or an anonymous object; null where a value is not taken apart.</summary>
    public static IEnumerable<KeyValuePair<string, object?>>? Parts(object value) => value switch
    {
        IEnumerable<KeyValuePair<string, object?>> entries => entries,
        IDictionary entries when entries.Keys.OfType<string>().Count() == entries.Count => Texts(entries),
        _ when FlowResult.HasNames(value.GetType()) =>
            Members.GetOrAdd(value.GetType(), FlowResult.Properties).Select(member => KeyValuePair.Create(FlowSignature.CamelCase(member.Name), member.GetValue(value))),
        _ => null,
    };

    // Its own enumerator tells entries; that of a generic dictionary, by which LINQ goes, tells pairs.
    private static IEnumerable<KeyValuePair<string, object?>> Texts(IDictionary entries)
    {
        foreach (DictionaryEntry entry in entries) yield return KeyValuePair.Create((string)entry.Key, entry.Value);
    }
}
