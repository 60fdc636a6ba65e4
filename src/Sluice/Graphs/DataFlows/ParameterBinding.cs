using System.Reflection;

namespace Sluice.Graphs;

/// <summary>The source of a parameter's argument, found when the flow is laid out.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class ParameterBinding
{
    private ParameterBinding(string function, string name, Type type) => (Function, Name, Type) = (function, name, type);

    public string Function { get; }

    /// <summary>The name of the value in the flow.</summary>
    public string Name { get; }

    public Type Type { get; }

    public bool IsToken { get; private init; }

    /// <summary>The values to try, best first.</summary>
    public IReadOnlyList<BoundValue> Places { get; private set; } = [];

    /// <summary>Whether the parameters of the flow give it, and the function does not declare that it may be null.</summary>
    public bool RefusesNull => IsNeverNull && Places.Count > 0 && Places.All(static place => place.IsParameter);

    public bool HasDefault { get; private init; }

    private bool IsNeverNull { get; init; }

    public object? Default { get; private init; }

    /// <summary>The empty collection of a <c>params</c> parameter; null for others.</summary>
    public EmptyCollections? Rest { get; private init; }

    /// <summary>All values that the function sees, for messages and for <see cref="TakesTheOnlyOne"/>.</summary>
    public required BindingSources Visible { get; init; }

    /// <summary>Whether, in a run, it takes the only visible value if there is just one, and no other parameter has its name.</summary>
    public bool TakesTheOnlyOne { get; private set; }

    private ParameterBinding[] All { get; set; } = [];

    /// <summary>Whether a value is certain to be present.</summary>
    public bool IsSure => Places.Count > 0 && Places[^1].IsSure;

    /// <param name="function">The name of the function.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="nameOf">Their names in the flow.</param>
    /// <param name="visible">The values that the function sees.</param>
    /// <param name="earlier">All earlier values, including hidden ones.</param>
    /// <param name="problems">Receives the problems.</param>
    public static ParameterBinding[] Bind(string function, ParameterInfo[] parameters, Func<string, string> nameOf, BindingSources visible,
        BindingSources earlier, List<string> problems)
    {
        ParameterBinding[] all = Array.ConvertAll(parameters, parameter => Find(function, parameter, nameOf(parameter.Name!), visible));
        ParameterBinding[] unbound = Array.FindAll(all, one => !one.IsToken && !one.HasDefault && !one.IsSure);
        if (unbound is [var only])
        {
            string[] names = [.. visible.Names];
            only.All = all;
            if (visible.IsOpen) only.TakesTheOnlyOne = true;
            else if (names is [var name] && only.Places.Count == 0 && !only.IsOfAnother(name)) only.Look(name, visible);
        }
        foreach (ParameterBinding one in all) one.Check(earlier, problems);
        return all;
    }

    /// <summary>Whether a parameter of the function has the name.</summary>
    public bool IsOfAnother(string name) => Array.Exists(All, one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Binds the value that chooses an implementation.</summary>
    public static ParameterBinding Key(string function, string name, BindingSources visible, BindingSources earlier, List<string> problems)
    {
        var key = new ParameterBinding(function, name, typeof(object)) { Visible = visible };
        key.Look(name, visible);
        key.Check(earlier, problems);
        return key;
    }

    private static ParameterBinding Find(string function, ParameterInfo parameter, string name, BindingSources visible)
    {
        Type type = parameter.ParameterType;
        if (type == typeof(CancellationToken)) return new(function, name, type) { IsToken = true, Visible = visible };
        var binding = new ParameterBinding(function, name, type)
        {
            Visible = visible,
            HasDefault = parameter.HasDefaultValue || EmptyCollections.Of(parameter) is not null,
            Default = parameter.HasDefaultValue ? ParameterDefault.Of(parameter) : null,
            Rest = EmptyCollections.Of(parameter),
            IsNeverNull = IsDeclaredNotNull(parameter),
        };
        binding.Look(name, visible);
        return binding;
    }

    private static bool IsDeclaredNotNull(ParameterInfo parameter)
    {
        try
        {
            return !parameter.ParameterType.IsValueType
                && new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.NotNull;
        }
        catch (InvalidOperationException)            // the program was trimmed of this knowledge
        {
            return false;
        }
    }

    private void Look(string name, BindingSources visible)
    {
        List<BoundValue> places = [];
        visible.Find(name, places);
        Places = places;
    }

    private void Check(BindingSources earlier, List<string> problems)
    {
        if (IsToken) return;
        foreach (BoundValue place in Places)
        {
            if (Fits(place.Type, Type)) continue;
            problems.Add(
                $"{Function} takes {Name} as {TypeNames.Of(Type)}, "
                    + $"and {(place.IsParameter ? "the parameters give" : $"{place.Giver} gives")} {place.Name} "
                    + $"as {(place.Type == typeof(FlowNull) ? "null" : TypeNames.Of(JsonTypes.Visible(place.Type)))}. "
                + (place.IsParameter && JsonTypes.Is(place.Type)
                    ? "Read the JSON as a record whose members have the types of the functions."
                    : "Let both have one type, or convert it in between."));
            return;
        }
        if (Places.Count > 0 || HasDefault || TakesTheOnlyOne) return;
        List<BoundValue> hidden = [];
        earlier.Find(Name, hidden);
        problems.Add(MissingBinding.Describe(Function, Name, Type,
            [.. Visible.Values.Where(value => !value.IsOpen).Select(value => (value.Name, value.Giver))])
            + (hidden.Find(place => place is not UnknownValue) is { } lost
            ? $" {lost.Giver} gave it, and it cannot be seen any more: Visibility says what later stages see." : ""));
    }

    /// <summary>Whether a value of one type can be an argument of another without conversion. An <c>object</c> may have any type.</summary>
    private static bool Fits(Type value, Type parameter)
        => value == typeof(object) || value.IsAssignableTo(parameter) || BoundValue.Underlying(parameter) == value
            || (value == typeof(FlowNull) && (!parameter.IsValueType || BoundValue.Underlying(parameter) is not null));
}

/// <summary>The type of a null entry.</summary>
internal sealed class FlowNull;
