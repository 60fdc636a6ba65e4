using System.Collections;

namespace Sluice.Graphs;

/// <summary>
/// The form of a flow's parameters: the properties of an object, or the names and types of a dictionary's entries. Immutable.
/// </summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class BindingParameters
{
    private readonly Type? type;
    private readonly (string Name, Type Type)[]? entries;

    private BindingParameters(Type? type, (string, Type)[]? entries, BindingSources bag)
        => (this.type, this.entries, Bag) = (type, entries, bag);

    public static BindingParameters None { get; } = new(null, null, BindingSources.Empty);

    /// <summary>The form of any dictionary; its names are looked up in the run.</summary>
    public static BindingParameters AnyEntries { get; } = new(null, null, new FlowResults([new OpenEntries()]));

    public BindingSources Bag { get; }

    /// <summary>Whether this is the form of a certain dictionary.</summary>
    public bool HasEntries => entries is not null;

    /// <exception cref="DataFlowException">The parameters have no names, or one name twice.</exception>
    public static BindingParameters Of(object? parameters)
    {
        if (parameters is null) return None;
        if (Entries(parameters) is { } given)
        {
            (string Name, Type Type)[] entries = [.. given.Select(entry => (entry.Key, entry.Value?.GetType() ?? typeof(FlowNull)))];
            return new(null, entries, Checked([.. entries.Select((entry, i) => new EntryValue(i, entry.Name, entry.Type))]));
        }
        Type type = parameters.GetType();
        if (type.IsPrimitive || type.IsEnum || parameters is string or IEnumerable or ITuple or Delegate
            || (NamedProperties.Readable(type).Length == 0 && !TypeNames.IsAnonymous(type)))      // new { } gives none
            throw new DataFlowException(
                $"Parameters are given by name, and {TypeNames.Of(type)} has none{(parameters is ITuple ? " when it is called" : "")}. "
                    + $"Give new {{ name = value }}, a record, or a dictionary.");
        return new(type, null, Checked([.. NamedProperties.Readable(type).Select(property => new PropertyValue(property))]));
    }

    /// <summary>Whether these parameters have this form.</summary>
    public bool Fits(object? parameters)
    {
        if (parameters is null) return ReferenceEquals(this, None);
        if (type is not null) return parameters.GetType() == type;
        if (entries is null || Entries(parameters) is not { } given) return false;
        int i = 0;
        foreach (var (name, value) in given)
            if (i == entries.Length || entries[i].Name != name || entries[i++].Type != (value?.GetType() ?? typeof(FlowNull))) return false;
        return i == entries.Length;
    }

    /// <summary>Converts the parameters to the form in which a run keeps them.</summary>
    public object? Pack(object? parameters) => ReferenceEquals(this, AnyEntries) ? NamedValues.OfEntries(Entries(parameters!)!)
        : entries is null ? parameters : Entries(parameters!)!.Select(entry => entry.Value).ToArray();

    private static FlowResults Checked(BoundValue[] values)
    {
        string? twice = values.GroupBy(value => value.Name, StringComparer.OrdinalIgnoreCase)
            .FirstOrDefault(group => group.Count() > 1)?.Key;
        return twice is null ? new(values) : throw new DataFlowException(
            $"The parameters give \"{twice}\" twice: names are the same whatever their case.");
    }

    private static IEnumerable<KeyValuePair<string, object?>>? Entries(object parameters)
        => parameters is IEnumerable<KeyValuePair<string, object?>> pairs ? pairs : parameters is IEnumerable ? TextEntries.Of(parameters)
        : null;
}
