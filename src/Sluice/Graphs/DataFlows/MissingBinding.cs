using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>Handles, in a run, an argument that is missing or has another type. Immutable.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class MissingBinding(ParameterBinding binding, Lazy<BindingCollector> visible, object owner)
{
    /// <summary>Casts a value to the parameter's type.</summary>
    /// <exception cref="DataFlowException">The value has another type.</exception>
    public T Cast<T>(object? value)
    {
        if (value is T fits) return fits;
        return value is null && default(T) is null ? default! : throw Misfit(value);
    }

    /// <summary>Checks a value against the parameter's type, for code without static types.</summary>
    public object? Check(object? value)
    {
        if (value is null && binding.RefusesNull) throw Null();
        Type type = BoundValue.Underlying(binding.Type) ?? binding.Type;
        return (value is null ? !binding.Type.IsValueType || type != binding.Type : type.IsInstanceOfType(value)) ? value
            : throw Misfit(value);
    }

    /// <summary>The failure of a parameter of the flow that is null, for a function that does not take null.</summary>
    public DataFlowException Null() => new($"{binding.Function} takes {binding.Name}, and the parameters of the flow give null. Give it a "
        + $"value. If it may be missing, let the function take {TypeNames.Of(binding.Type)}?.")
    {
        Owner = owner,
    };

    /// <summary>Takes the only visible value for an argument without a value of its name, if the binding allows that.</summary>
    /// <exception cref="DataFlowException">There is no value, or more than one.</exception>
    public T Only<T>(GraphContext run)
    {
        var seen = visible.Value.Collect(run);
        if (binding.TakesTheOnlyOne && seen.Count == 1 && !binding.IsOfAnother(seen.Keys.First()))
            return Cast<T>(seen.Values.First().Value);
        throw new DataFlowException(Describe(binding.Function, binding.Name, binding.Type,
            [.. seen.Select(entry => (entry.Key, entry.Value.Giver))]))
        {
            Owner = owner,
        };
    }

    private DataFlowException Misfit(object? value)
        => new($"{binding.Function} takes {binding.Name} as {TypeNames.Of(binding.Type)}, and there "
        + $"is {(value is null ? "null" : $"one of type {TypeNames.Of(value.GetType())}")}. "
            + "Let both have one type, or convert it in between.")
        {
            Owner = owner,
        };

    public static string Describe(string function, string name, Type type, (string Name, string Giver)[] seen)
    {
        string there = seen.Length == 0 ? "There is nothing to take."
            : $"There are: {string.Join(", ", seen.Select(value => $"{value.Name} ({value.Giver})"))}.";
        IReadOnlyList<string> near = NearNames.Of(name, seen.Select(value => value.Name));
        return $"{function} takes {name} ({TypeNames.Of(type)}), and nothing gives "
            + $"it. {there}{(near.Count > 0 ? $" Near it: {string.Join(", ", near)}." : "")}";
    }
}
