using Sluice.Topologies;

namespace Sluice.Graphs;

public sealed partial class DataFlowFunction
{
    internal string? ValueName { get; private init; }                // not null: the result stays whole; empty: named after the function

    internal IReadOnlyDictionary<string, string> Outputs { get; private init; } = new Dictionary<string, string>();

    /// <summary>Names by position, null for an omitted value; null if the names are the function's own.</summary>
    internal IReadOnlyList<string?>? Positions { get; private init; }

    /// <summary>The values that the function returns and the flow omits, by the function's names.</summary>
    internal IReadOnlyList<string> Dropped { get; private init; } = [];

    internal string PlainName => ValueName is { Length: > 0 } value ? value : FunctionSignature.ResultName(ChosenOf ?? Name!);

    /// <summary>Gives a result of the function another name in the flow.</summary>
    /// <remarks>
    /// A plain result is named after its function: <c>source</c> for <c>SourceAsync</c>. So call <see cref="Named"/> and
    /// <see cref="AsValue"/> first.
    /// </remarks>
    /// <param name="result">The name that the function gives it.</param>
    /// <param name="value">The name in the flow.</param>
    /// <exception cref="DataFlowException">The function's type has no such result; the message lists similar names. Checked again in the
    /// definition of a flow, because the function's name may have changed.</exception>
    public DataFlowFunction RenameOutput(string result, string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        return Checked(new DataFlowFunction(this) { Outputs = With(Outputs, result, value) });
    }

    /// <summary>
    /// Names the results by position: the elements of a tuple (which need no names then), the properties of a record, or the single result.
    /// </summary>
    /// <param name="names">A name for each position; null omits the value from the flow.</param>
    /// <exception cref="DataFlowException">The number of results differs, or the result is a dictionary or an object, whose values have no
    /// positions.</exception>
    public DataFlowFunction NameOutputs(params string?[] names)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (string? name in names) if (name is not null) ArgumentException.ThrowIfNullOrWhiteSpace(name, nameof(names));
        return Checked(new DataFlowFunction(this) { Positions = [.. names] });
    }

    /// <summary>Omits results of the function from the flow: no other function sees them, and they conflict with nothing.</summary>
    /// <param name="results">The names that the function gives them. A dictionary may lack them.</param>
    /// <exception cref="DataFlowException">The function's type has no such result; the message lists similar names.</exception>
    public DataFlowFunction DropOutput(params string[] results)
    {
        ArgumentNullException.ThrowIfNull(results);
        foreach (string result in results) ArgumentException.ThrowIfNullOrWhiteSpace(result, nameof(results));
        return Checked(new DataFlowFunction(this) { Dropped = [.. Dropped, .. results] });
    }

    /// <summary>Keeps the result whole, even if it is a record, a tuple or a dictionary.</summary>
    /// <param name="name">The name of the value; null (the default) to name it after the function.</param>
    public DataFlowFunction AsValue(string? name = null) => new(this) { ValueName = name ?? "" };

    internal bool Drops(string result) => Dropped.Contains(result, StringComparer.OrdinalIgnoreCase);

    /// <exception cref="DataFlowException">A renamed or omitted result does not exist.</exception>
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

    /// <summary>Checks the outputs, unless the function has no name yet; then the definition of a flow checks them.</summary>
    private static DataFlowFunction Checked(DataFlowFunction changed)
    {
        if (changed.Name is not null) changed.CheckOutputs();
        return changed;
    }
}
