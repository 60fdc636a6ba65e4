using System.Reflection;
using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>A function in a data flow, with its configuration. It can stand wherever a function can.</summary>
/// <remarks>
/// Made by <see cref="DataFlow.Function"/> or <see cref="DataFlow.Dispatch(string, string, ValueTuple{string, Delegate}[])"/>. Immutable:
/// each method returns a changed copy.
/// </remarks>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
public sealed partial class DataFlowFunction
{
    private DataFlowFunction(FunctionSignature signature) => Signature = signature;

    private DataFlowFunction(DataFlowFunction other)
    {
        (Signature, Choices, Key, GivenName, ChosenOf, ValueName) = (other.Signature, other.Choices, other.Key, other.GivenName,
            other.ChosenOf, other.ValueName);
        (Inputs, Outputs, Positions, Dropped) = (other.Inputs, other.Outputs, other.Positions, other.Dropped);
        (Policy, IsOptional, Places, Replacement, FixedReplacement) = (other.Policy, other.IsOptional, other.Places, other.Replacement,
            other.FixedReplacement);
    }

    internal FunctionSignature? Signature { get; private init; }         // null for a dispatch

    internal IReadOnlyList<(string Key, DataFlowFunction Function)>? Choices { get; private init; }

    internal string? Key { get; private init; }

    internal string? GivenName { get; private init; }

    internal IReadOnlyDictionary<string, string> Inputs { get; private init; } = new Dictionary<string, string>();

    internal CallPolicy Policy { get; private init; } = CallPolicy.None;

    internal bool IsOptional { get; private init; }

    internal CallConcurrencyLimit? Places { get; private init; }               // shared by all flows and runs

    /// <summary>Makes the replacement for a failure; last is the owner of the error if it does not fit.</summary>
    internal Func<DataFlowFunction, Exception, object, object?>? Replacement { get; private init; }

    private (bool IsGiven, object? Value) FixedReplacement { get; init; }

    /// <summary>The name in drawings and messages; null for a lambda without one.</summary>
    public string? Name => GivenName ?? Signature?.Name;

    /// <summary>Gives the function a name. A lambda needs one, because a plain result is named after its function.</summary>
    public DataFlowFunction Named(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new(this) { GivenName = name, ChosenOf = null };
    }

    /// <summary>Binds a parameter to a value of another name.</summary>
    /// <param name="parameter">The name of the function's parameter.</param>
    /// <param name="value">The name of the value in the flow.</param>
    /// <exception cref="DataFlowException">The function has no such parameter; the message lists similar names.</exception>
    public DataFlowFunction RenameInput(string parameter, string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        string[] known = [.. Parameters.Select(one => one.Name!)];
        if (!known.Contains(parameter, StringComparer.OrdinalIgnoreCase))
            throw new DataFlowException(
                $"{Name ?? "The lambda"} cannot rename an input. {NearNames.Explain("parameter", parameter, known)}");
        return new(this) { Inputs = With(Inputs, parameter, value) };
    }

    /// <summary>
    /// Limits the time of an attempt. A longer one fails with a <see cref="TimeoutException"/>, and its token is cancelled.
    /// </summary>
    /// <remarks>
    /// A function that ignores its token is abandoned, with the thread that it may hold. The wait for a concurrency limit
    /// (<see cref="Limit"/>) does not count.
    /// </remarks>
    /// <param name="limit">The time limit; more than zero, 49 days at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
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

    /// <summary>Limits the concurrent calls of this function, in all runs of all flows that have it. Further calls wait.</summary>
    /// <param name="concurrency">The largest number of concurrent calls, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public DataFlowFunction Limit(int concurrency) => new(this) { Places = new(concurrency) };

    /// <summary>Replaces the result if the function fails. The outcome says that it fell back.</summary>
    /// <param name="value">The replacement, of the function's return type.</param>
    /// <exception cref="DataFlowException">The value has another type; or the function returns nothing, for which <see cref="Optional"/> is
    /// meant.</exception>
    public DataFlowFunction Fallback(object? value)
    {
        CheckFallback(value);
        return new(this) { Replacement = (_, _, _) => value, FixedReplacement = (true, value) };
    }

    /// <inheritdoc cref="Fallback(object?)"/>
    /// <param name="value">Makes the replacement from the failure. If it throws, or returns another type, the function has failed with
    /// that.</param>
    public DataFlowFunction Fallback(Func<Exception, object?> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (Result is null) CheckFallback(null);
        return new(this)
        {
            Replacement = (function, exception, owner) =>
            {
                object? made = value(exception);
                function.CheckFallback(made, owner);
                return made;
            },
        };
    }

    /// <summary>Lets the flow go on if the function fails; the outcome says that it failed. Only for functions without a result.</summary>
    /// <exception cref="DataFlowException">The function has a result.</exception>
    public DataFlowFunction Optional()
    {
        CheckOptional();
        return new(this) { IsOptional = true };
    }

    /// <summary>
    /// Chooses an implementation of a <see cref="DataFlow.Dispatch(string, ValueTuple{string, Delegate}[])"/>: <c>Load["csv"]</c>.
    /// </summary>
    /// <param name="key">The key of the implementation.</param>
    /// <returns>The implementation, with the name and configuration of the dispatch. A plain result is named after the dispatch.</returns>
    /// <exception cref="DataFlowException">There is no such implementation; the message lists similar keys.</exception>
    public DataFlowFunction this[string key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            if (Choices is null) throw new DataFlowException(
                $"{Name ?? "The lambda"} is one function and has no keys. Give it several implementations: DataFlow.Dispatch.");
            if (Choices.FirstOrDefault(choice => choice.Key == key).Function is not { } chosen)
                throw new DataFlowException(
                    $"{Name} has no implementation of that "
                        + $"key. {NearNames.Explain("key", key, [.. Choices.Select(choice => choice.Key)])}");
            Dictionary<string, string> inputs = new(Inputs, StringComparer.OrdinalIgnoreCase);
            foreach (var (parameter, value) in chosen.Inputs) inputs[parameter] = value;
            DataFlowFunction made = new(this)
            {
                Signature = chosen.Signature,
                Choices = null,
                Key = null,
                GivenName = $"{Name}[{key}]",
                ChosenOf = Name,
                Inputs = inputs
            };
            // Implementations may return different types, so the dispatch's Optional or Fallback may not suit this one.
            if (IsOptional) made.CheckOptional();
            if (FixedReplacement.IsGiven) made.CheckFallback(FixedReplacement.Value);
            return made;
        }
    }

    /// <summary>Converts the function to a delegate, so that it can stand among functions.</summary>
    public Delegate ToDelegate() => (Func<DataFlowFunction>)Self;

    /// <summary>Converts the function to a delegate, so that it can stand among functions.</summary>
    public static implicit operator Delegate(DataFlowFunction function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return function.ToDelegate();
    }

    /// <summary>The name of the function.</summary>
    public override string ToString() => Name ?? "a lambda without a name";

    internal IEnumerable<ParameterInfo> Parameters => Signature?.Parameters ?? Choices!.SelectMany(choice => choice.Function.Parameters);

    /// <summary>The type of its result, after tasks; null if it has none. All implementations have the same.</summary>
    private Type? Result => (Signature ?? Choices![0].Function.Signature)!.Value;

    /// <summary>The name of the dispatch that it was chosen from; null if it was not.</summary>
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
        => new((FunctionSignature)null!)
        {
            GivenName = name,
            Key = key,
            Choices = DispatchFunction.Check(name, choices, isChosenInRuns: key is not null)
        };

    private void CheckOptional()
    {
        if (Result is not null)
            throw new DataFlowException(
                $"{Name ?? "The lambda"} gives something that would be missing if it failed: only functions that return nothing can be "
                    + $"optional. Give it a Fallback.");
    }

    private void CheckFallback(object? value, object? owner = null)
    {
        string name = Name ?? "The lambda";
        if (Result is not { } type) throw new DataFlowException(
            $"{name} returns nothing, so there is nothing to take its place: let it be Optional.");
        bool fits = value is null ? !type.IsValueType || BoundValue.Underlying(type) is not null : type.IsInstanceOfType(value);
        if (!fits)
            throw new DataFlowException(
                $"{name} returns {TypeNames.Of(type)}, and its fallback "
                    + $"is {(value is null ? "null" : $"of type {TypeNames.Of(value.GetType())}")}. Let both have one type.")
            {
                Owner = owner,
            };
    }

    private DataFlowFunction Self() => this;

    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string> names, string from, string to)
        => new(names, StringComparer.OrdinalIgnoreCase) { [from] = to };
}
