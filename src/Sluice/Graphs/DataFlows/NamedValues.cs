using System.Collections.Concurrent;
using System.Reflection;
using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>
/// The result of a function as values by name, if the names are known only in a run: a dictionary, or an object. Immutable.
/// </summary>
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

    /// <summary>Wraps a flow's parameters, whose names are known to be unique.</summary>
    public static NamedValues OfEntries(IEnumerable<KeyValuePair<string, object?>> entries)
        => new(new Dictionary<string, object?>(entries, StringComparer.OrdinalIgnoreCase));

    /// <param name="result">A dictionary, an object with properties, or a plain value.</param>
    /// <param name="plain">The name of a plain value.</param>
    /// <param name="function">The function, with its renamed and omitted results.</param>
    /// <param name="owner">The owner of the exception.</param>
    /// <exception cref="DataFlowException">Two names differ only in case, or the result is a task.</exception>
    public static NamedValues Of(object? result, string plain, DataFlowFunction function, object owner)
    {
        if (result is null) return Nothing;
        IReadOnlyDictionary<string, string> renamed = function.Outputs;
        if (PendingWork.Is(result.GetType()))
            throw new DataFlowException(
                $"{function.Name} returned a {TypeNames.Of(result.GetType())} as an object: it would not be awaited, and its "
                    + $"failure would be lost. Let {function.Name} say that it returns a task, or await it.")
            {
                Owner = owner,
            };
        var named = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        List<string>? found = renamed.Count > 0 ? [] : null;
        foreach (var (key, value) in Parts(result) ?? [new(plain, result)])
        {
            if (function.Drops(key)) continue;
            found?.Add(key);
            string name = renamed.GetValueOrDefault(key, key);
            if (!named.TryAdd(name, value)) throw new DataFlowException(
                $"{function.Name} gives \"{name}\" twice: names are the same whatever their case.")
            {
                Owner = owner,
            };
        }
        if (found is not null && renamed.Keys.FirstOrDefault(one => !found.Contains(one, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            throw new DataFlowException($"{function.Name} cannot rename an output. {NearNames.Explain("value", unknown, found)}")
            {
                Owner = owner,
            };
        return new(named);
    }

    /// <summary>
    /// The entries of a dictionary with text keys, or the members of a record or anonymous object; null for a plain value.
    /// </summary>
    private static IEnumerable<KeyValuePair<string, object?>>? Parts(object value)
    {
        if (TextEntries.Of(value) is { } entries) return entries;
        if (!ResultBinding.HasNames(value.GetType())) return null;
        return Members.GetOrAdd(value.GetType(), NamedProperties.Readable)
            .Select(member => KeyValuePair.Create(FunctionSignature.CamelCase(member.Name), NamedProperties.Read(member, value)));
    }
}
