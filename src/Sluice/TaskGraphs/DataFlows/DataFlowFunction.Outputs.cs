namespace Sluice;

public sealed partial class DataFlowFunction
{
    internal string? ValueName { get; private init; }                // not null: stays whole; empty: named after the function

    internal IReadOnlyDictionary<string, string> Outputs { get; private init; } = new Dictionary<string, string>();

    /// <summary>Names by position, null for what is left out; null where they are the function's own.</summary>
    internal IReadOnlyList<string?>? Positions { get; private init; }

    /// <summary>What the function gives, under its own names, and the flow does not get.</summary>
    internal IReadOnlyList<string> Dropped { get; private init; } = [];

    internal string PlainName => ValueName is { Length: > 0 } value ? value : FunctionSignature.ResultName(ChosenOf ?? Name!);

    /// <summary>
    /// What the function gives under a name is called something else in the flow. The name of a plain result is the function's: <c>source</c> for <c>SourceAsync</c>, and the given
    /// one where that is given: say <see cref="Named"/> and <see cref="AsValue"/> first.
    /// </summary>
    /// <param name="result">What the function calls it.</param>
    /// <param name="value">What the flow calls it.</param>
    /// <exception cref="DataFlowException">The function gives no such value, as far as its type says; the message lists those that are near. Said again where it becomes part of a flow, as its name may have changed.</exception>
    public DataFlowFunction RenameOutput(string result, string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        return Checked(new DataFlowFunction(this) { Outputs = With(Outputs, result, value) });
    }

    /// <summary>Names what the function gives by position: the members of a tuple, which need no names of their own, the properties of a record, or the one plain result.</summary>
    /// <param name="names">A name for each position; null leaves the position out of the flow.</param>
    /// <exception cref="DataFlowException">The function gives another number of values, or a dictionary, or an object, whose values have no positions.</exception>
    public DataFlowFunction NameOutputs(params string?[] names)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (string? name in names) if (name is not null) ArgumentException.ThrowIfNullOrWhiteSpace(name, nameof(names));
        return Checked(new DataFlowFunction(this) { Positions = [.. names] });
    }

    /// <summary>Leaves something that the function gives out of the flow: no other function sees it, and it conflicts with nothing.</summary>
    /// <param name="results">What the function calls them. A dictionary may lack them.</param>
    /// <exception cref="DataFlowException">The function gives no such value, as far as its type says; the message lists those that are near.</exception>
    public DataFlowFunction DropOutput(params string[] results)
    {
        ArgumentNullException.ThrowIfNull(results);
        foreach (string result in results) ArgumentException.ThrowIfNullOrWhiteSpace(result, nameof(results));
        return Checked(new DataFlowFunction(this) { Dropped = [.. Dropped, .. results] });
    }

    /// <summary>Its result stays whole, also if it is a record, a tuple or a dictionary.</summary>
    /// <param name="name">What it is called; unless given, it is named after the function.</param>
    public DataFlowFunction AsValue(string? name = null) => new(this) { ValueName = name ?? "" };

    internal bool Drops(string result) => Dropped.Contains(result, StringComparer.OrdinalIgnoreCase);

    /// <exception cref="DataFlowException">An output is renamed, or left out, that the function, which has a name, does not give.</exception>
    internal void CheckOutputs()
    {
        if (Outputs.Count == 0 && Positions is null && Dropped.Count == 0) return;
        FunctionSignature signature = (Signature ?? Choices![0].Function.Signature)!;
        if (ResultBinding.Of(new(this) { Dropped = [] }, signature).Names(PlainName) is { } all) Explain("leave out", Dropped, all);
        if (ResultBinding.Of(this, signature).Names(PlainName) is { } known) Explain("rename", Outputs.Keys, known);

        void Explain(string what, IEnumerable<string> names, IReadOnlyList<string> among)
        {
            if (names.FirstOrDefault(one => !among.Contains(one, StringComparer.OrdinalIgnoreCase)) is { } unknown)
                throw new DataFlowException($"{Name} cannot {what} an output. {NearNames.Explain("value", unknown, among)}");
        }
    }

    /// <summary>Without a name, it is checked where it becomes part of a flow.</summary>
    private static DataFlowFunction Checked(DataFlowFunction changed)
    {
        if (changed.Name is not null) changed.CheckOutputs();
        return changed;
    }
}
