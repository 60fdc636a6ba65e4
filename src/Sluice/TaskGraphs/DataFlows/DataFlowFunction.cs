using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>A function as a part of a data flow, with what is to be said about it: made by <see cref="DataFlow.Function"/> or <see cref="DataFlow.Dispatch(string, string, ValueTuple{string, Delegate}[])"/>. Stands wherever a function can.</summary>
/// <remarks>Immutable: every change makes another one.</remarks>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
public sealed partial class DataFlowFunction
{
    private DataFlowFunction(FunctionSignature signature) => Signature = signature;

    private DataFlowFunction(DataFlowFunction other)
    {
        (Signature, Choices, Key, GivenName, ChosenOf, ValueName) = (other.Signature, other.Choices, other.Key, other.GivenName, other.ChosenOf, other.ValueName);
        (Inputs, Outputs, Positions, Dropped) = (other.Inputs, other.Outputs, other.Positions, other.Dropped);
        (Policy, IsOptional, Places, Replacement, FixedReplacement) = (other.Policy, other.IsOptional, other.Places, other.Replacement, other.FixedReplacement);
    }

    internal FunctionSignature? Signature { get; private init; }         // null where Choices are

    internal IReadOnlyList<(string Key, DataFlowFunction Function)>? Choices { get; private init; }

    internal string? Key { get; private init; }

    internal string? GivenName { get; private init; }

    internal IReadOnlyDictionary<string, string> Inputs { get; private init; } = new Dictionary<string, string>();

    internal CallPolicy Policy { get; private init; } = CallPolicy.None;

    internal bool IsOptional { get; private init; }

    internal CallConcurrencyLimit? Places { get; private init; }               // shared by all flows, and all runs

    internal Func<DataFlowFunction, Exception, object?>? Replacement { get; private init; }

    private (bool IsGiven, object? Value) FixedReplacement { get; init; }

    /// <summary>The name that it has in pictures and messages; null as long as a lambda has not been given one.</summary>
    public string? Name => GivenName ?? Signature?.Name;

    /// <summary>Gives it a name: lambdas need one, as a plain result is named after its function.</summary>
    public DataFlowFunction Named(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new(this) { GivenName = name, ChosenOf = null };
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

    /// <summary>
    /// An attempt that takes longer fails with a <see cref="TimeoutException"/>, and its token is cancelled; one that does not heed that is left behind, with the thread that it may
    /// hold. The wait for a place (<see cref="Limit"/>) is not counted.
    /// </summary>
    /// <param name="limit">More than zero, 49 days at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public DataFlowFunction Timeout(TimeSpan limit)
    {
        Waits.CheckLimit(limit);
        return new(this) { Policy = Policy with { Timeout = limit } };
    }

    /// <inheritdoc cref="GraphNode{T}.Retry"/>
    public DataFlowFunction Retry(int retries, Backoff? backoff = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        return new(this) { Policy = Policy with { Retries = retries, Backoff = backoff ?? Backoff.None } };
    }

    /// <summary>At most so many calls of this function at a time, in all runs of all flows that it is part of; the others wait.</summary>
    /// <param name="concurrency">1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public DataFlowFunction Limit(int concurrency) => new(this) { Places = new(concurrency) };

    /// <summary>If the function fails, this takes the place of what it would have returned; the outcome says so.</summary>
    /// <param name="value">A value that the function could have returned.</param>
    /// <exception cref="DataFlowException">It is of another type, or the function returns nothing, so that <see cref="Optional"/> will do.</exception>
    public DataFlowFunction Fallback(object? value)
    {
        CheckFallback(value);
        return new(this) { Replacement = (_, _) => value, FixedReplacement = (true, value) };
    }

    /// <inheritdoc cref="Fallback(object?)"/>
    /// <param name="value">Makes it of the failure. If that throws, or gives another type, the function has failed with that.</param>
    public DataFlowFunction Fallback(Func<Exception, object?> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (Result is null) CheckFallback(null);
        return new(this)
        {
            Replacement = (function, exception) =>
            {
                object? made = value(exception);
                function.CheckFallback(made);
                return made;
            },
        };
    }

    /// <summary>If the function fails, the flow goes on, and the outcome says so. Only for functions that give nothing, as nothing of them can be missed.</summary>
    /// <exception cref="DataFlowException">The function gives something.</exception>
    public DataFlowFunction Optional()
    {
        CheckOptional();
        return new(this) { IsOptional = true };
    }

    /// <summary>One of the implementations of a <see cref="DataFlow.Dispatch(string, ValueTuple{string, Delegate}[])"/>, chosen where the flow is defined: <c>Load["csv"]</c>.</summary>
    /// <param name="key">The implementation's key.</param>
    /// <returns>The implementation with the name and the options of the dispatch. A plain result is named after the dispatch.</returns>
    /// <exception cref="DataFlowException">It has no such implementation; the message lists keys that are near.</exception>
    public DataFlowFunction this[string key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            if (Choices is null) throw new DataFlowException($"{Name ?? "The lambda"} is one function and has no keys. Give it several implementations: DataFlow.Dispatch.");
            if (Choices.FirstOrDefault(choice => choice.Key == key).Function is not { } chosen)
                throw new DataFlowException($"{Name} has no implementation of that key. {NearNames.Explain("key", key, [.. Choices.Select(choice => choice.Key)])}");
            Dictionary<string, string> inputs = new(Inputs, StringComparer.OrdinalIgnoreCase);
            foreach (var (parameter, value) in chosen.Inputs) inputs[parameter] = value;
            DataFlowFunction made = new(this) { Signature = chosen.Signature, Choices = null, Key = null, GivenName = $"{Name}[{key}]", ChosenOf = Name, Inputs = inputs };
            // The implementations may return several types: what was said of the dispatch holds for this one, or is refused.
            if (IsOptional) made.CheckOptional();
            if (FixedReplacement.IsGiven) made.CheckFallback(FixedReplacement.Value);
            return made;
        }
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

    /// <summary>What it returns in the end; null if nothing. Implementations return one type.</summary>
    private Type? Result => (Signature ?? Choices![0].Function.Signature)!.Value;

    /// <summary>Whether it is one of several implementations, chosen where the flow is defined.</summary>
    private string? ChosenOf { get; init; }

    internal IEnumerable<string> Describe()
    {
        foreach (string part in Policy.Describe()) yield return part;
        if (Places is { } places) yield return $"limit {places.Count}";
        if (IsOptional) yield return "optional";
        if (Replacement is not null) yield return "fallback";
    }

    internal static DataFlowFunction Of(Delegate function)
        => function?.Target is DataFlowFunction self && function.Method.Name == nameof(Self) ? self : new(FunctionSignature.Of(function!));

    internal static DataFlowFunction Dispatch(string name, string? key, (string Key, Delegate Function)[] choices)
        => new((FunctionSignature)null!) { GivenName = name, Key = key, Choices = DispatchFunction.Check(name, choices, isChosenInRuns: key is not null) };

    private void CheckOptional()
    {
        if (Result is not null)
            throw new DataFlowException($"{Name ?? "The lambda"} gives something that would be missing if it failed: only functions that return nothing can be optional. Give it a Fallback.");
    }

    private void CheckFallback(object? value)
    {
        string name = Name ?? "The lambda";
        if (Result is not { } type) throw new DataFlowException($"{name} returns nothing, so there is nothing to take its place: let it be Optional.");
        bool fits = value is null ? !type.IsValueType || BoundValue.Underlying(type) is not null : type.IsInstanceOfType(value);
        if (!fits) throw new DataFlowException($"{name} returns {TypeNames.Of(type)}, and its fallback is {(value is null ? "null" : $"of type {TypeNames.Of(value.GetType())}")}. Let both have one type.");
    }

    private DataFlowFunction Self() => this;

    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string> names, string from, string to)
        => new(names, StringComparer.OrdinalIgnoreCase) { [from] = to };
}
