using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>A function as a part of a data flow, with what is to be said about it: made by <see cref="DataFlow.Function"/> or <see cref="DataFlow.Dispatch"/>. Stands wherever a function can.</summary>
/// <remarks>Immutable: every change makes another one.</remarks>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
public sealed class DataFlowFunction
{
    private DataFlowFunction(FlowSignature signature) => Signature = signature;

    private DataFlowFunction(DataFlowFunction other)
        => (Signature, Choices, Key, GivenName, ValueName, Inputs, Outputs, Policy, IsOptional)
            = (other.Signature, other.Choices, other.Key, other.GivenName, other.ValueName, other.Inputs, other.Outputs, other.Policy, other.IsOptional);

    internal FlowSignature? Signature { get; }                       // null where Choices are

    internal IReadOnlyList<(string Key, DataFlowFunction Function)>? Choices { get; private init; }

    internal string? Key { get; private init; }

    internal string? GivenName { get; private init; }

    internal string? ValueName { get; private init; }                // not null: stays whole; empty: named after the function

    internal IReadOnlyDictionary<string, string> Inputs { get; private init; } = new Dictionary<string, string>();

    internal IReadOnlyDictionary<string, string> Outputs { get; private init; } = new Dictionary<string, string>();

    internal CallPolicy Policy { get; private init; } = CallPolicy.None;

    internal bool IsOptional { get; private init; }

    /// <summary>The name that it has in pictures and messages; null as long as a lambda has not been given one.</summary>
    public string? Name => GivenName ?? Signature?.Name;

    internal string PlainName => ValueName is { Length: > 0 } value ? value : FlowSignature.ResultName(Name!);

    /// <summary>Gives it a name: lambdas need one, as a plain result is named after its function.</summary>
    public DataFlowFunction Named(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new(this) { GivenName = name };
    }

    /// <summary>The function's parameter takes the value of another name.</summary>
    /// <param name="parameter">What the function calls it.</param>
    /// <param name="value">What the flow calls it.</param>
    /// <exception cref="DataFlowException">The function has no such parameter; the message lists those that are near.</exception>
    public DataFlowFunction RenameInput(string parameter, string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        string[] known = [.. Parameters.Select(one => one.Name!)];
        if (!known.Contains(parameter, StringComparer.OrdinalIgnoreCase)) throw new DataFlowException($"{Name ?? "The lambda"} cannot rename an input. {NearNames.Explain("parameter", parameter, known)}");
        return new(this) { Inputs = With(Inputs, parameter, value) };
    }

    /// <summary>What the function gives under a name is called something else in the flow. The name of a plain result is the function's: <c>source</c> for <c>SourceAsync</c>.</summary>
    /// <param name="result">What the function calls it.</param>
    /// <param name="value">What the flow calls it.</param>
    /// <exception cref="DataFlowException">The function gives no such value, as far as its type says; the message lists those that are near.</exception>
    public DataFlowFunction RenameOutput(string result, string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        FlowSignature signature = (Signature ?? Choices![0].Function.Signature)!;
        if (Name is { } name && FlowResult.Of(this, signature).Names(FlowSignature.ResultName(name)) is { } known && !known.Contains(result, StringComparer.OrdinalIgnoreCase))
            throw new DataFlowException($"{name} cannot rename an output. {NearNames.Explain("value", result, known)}");
        return new(this) { Outputs = With(Outputs, result, value) };
    }

    /// <summary>Its result stays whole, also if it is a record, a tuple or a dictionary.</summary>
    /// <param name="name">What it is called; unless given, it is named after the function.</param>
    public DataFlowFunction AsValue(string? name = null) => new(this) { ValueName = name ?? "" };

    /// <inheritdoc cref="Node{T}.Timeout"/>
    public DataFlowFunction Timeout(TimeSpan limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero);
        return new(this) { Policy = Policy with { Timeout = Waits.Check(limit) } };
    }

    /// <inheritdoc cref="Node{T}.Retry"/>
    public DataFlowFunction Retry(int retries, Backoff? backoff = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        return new(this) { Policy = Policy with { Retries = retries, Backoff = backoff ?? Backoff.None } };
    }

    /// <summary>If the function fails, the flow goes on, and the outcome says so. Only for functions that give nothing, as nothing of them can be missed.</summary>
    /// <exception cref="DataFlowException">The function gives something.</exception>
    public DataFlowFunction Optional()
    {
        if (Signature?.Value is not null || Choices?.Any(choice => choice.Function.Signature!.Value is not null) == true)
            throw new DataFlowException($"{Name ?? "The lambda"} gives something that would be missing if it failed: only functions that return nothing can be optional.");
        return new(this) { IsOptional = true };
    }

    /// <summary>The form in which it stands among other functions.</summary>
    public Delegate ToDelegate() => (Func<DataFlowFunction>)Self;

    /// <summary>The form in which it stands among other functions.</summary>
    public static implicit operator Delegate(DataFlowFunction function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return function.ToDelegate();
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name ?? "a lambda without a name";

    internal IEnumerable<ParameterInfo> Parameters => Signature?.Parameters ?? Choices!.SelectMany(choice => choice.Function.Parameters);

    internal static DataFlowFunction Of(Delegate function)
        => function?.Target is DataFlowFunction self && function.Method.Name == nameof(Self) ? self : new(FlowSignature.Of(function!));

    internal static DataFlowFunction Dispatch(string name, string key, (string Key, Delegate Function)[] choices)
        => new((FlowSignature)null!) { GivenName = name, Key = key, Choices = FlowDispatch.Check(name, choices) };

    private DataFlowFunction Self() => this;

    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string> names, string from, string to)
        => new(names, StringComparer.OrdinalIgnoreCase) { [from] = to };
}
