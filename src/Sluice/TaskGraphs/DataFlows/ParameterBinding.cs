using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Where a parameter's argument comes from. Found once, when the flow is laid out.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class ParameterBinding
{
    private ParameterBinding(string function, string name, Type type) => (Function, Name, Type) = (function, name, type);

    public string Function { get; }

    /// <summary>What the flow calls it.</summary>
    public string Name { get; }

    public Type Type { get; }

    public bool IsToken { get; private init; }

    /// <summary>Where to look for it, the first place first.</summary>
    public IReadOnlyList<BoundValue> Places { get; private set; } = [];

    public bool HasDefault { get; private init; }

    public object? Default { get; private init; }

    /// <summary>Of a parameter of <c>params</c>, what stands for none; null for others.</summary>
    public EmptyCollections? Rest { get; private init; }

    /// <summary>Everything that the function can see: for messages, and where an argument may be the only value there is.</summary>
    public required BindingSources Visible { get; init; }

    /// <summary>Whether it takes the only value that there turns out to be.</summary>
    public bool TakesTheOnlyOne { get; private set; }

    /// <summary>Whether there is surely a value.</summary>
    public bool IsSure => Places.Count > 0 && Places[^1].IsSure;

    /// <param name="function">The function's name.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="nameOf">What the flow calls them.</param>
    /// <param name="visible">What the function can see.</param>
    /// <param name="earlier">What has been there, and cannot be seen any more.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static ParameterBinding[] Bind(string function, ParameterInfo[] parameters, Func<string, string> nameOf, BindingSources visible, BindingSources earlier, List<string> problems)
    {
        ParameterBinding[] all = Array.ConvertAll(parameters, parameter => Find(function, parameter, nameOf(parameter.Name!), visible));
        ParameterBinding[] unbound = Array.FindAll(all, one => !one.IsToken && !one.HasDefault && !one.IsSure);
        if (unbound is [var only])
        {
            string[] names = [.. visible.Names];
            if (visible.IsOpen) only.TakesTheOnlyOne = true;
            else if (names is [var name] && only.Places.Count == 0 && !Array.Exists(all, one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) only.Look(name, visible);
        }
        foreach (ParameterBinding one in all) one.Check(earlier, problems);
        return all;
    }

    /// <summary>The value that chooses among implementations.</summary>
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
            Default = parameter.HasDefaultValue ? DefaultOf(parameter) : null,
            Rest = EmptyCollections.Of(parameter),
        };
        binding.Look(name, visible);
        return binding;
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
            problems.Add($"{Function} takes {Name} as {TypeNames.Of(Type)}, and {(place.IsParameter ? "the parameters give" : $"{place.Giver} gives")} {place.Name} as {(place.Type == typeof(FlowNull) ? "null" : TypeNames.Of(place.Type))}. "
                + "Let both have one type, or convert it in between.");
            return;
        }
        if (Places.Count > 0 || HasDefault || TakesTheOnlyOne) return;
        List<BoundValue> hidden = [];
        earlier.Find(Name, hidden);
        problems.Add(MissingBinding.Describe(Function, Name, Type, [.. Visible.Values.Where(value => !value.IsOpen).Select(value => (value.Name, value.Giver))])
            + (hidden.Find(place => place is not UnknownValue) is { } lost ? $" {lost.Giver} gave it, and it cannot be seen any more: Visibility says what later stages see." : ""));
    }

    /// <summary>Whether a value can be given as an argument without being changed; what is an object may be anything.</summary>
    private static bool Fits(Type value, Type parameter)
        => value == typeof(object) || value.IsAssignableTo(parameter) || BoundValue.Underlying(parameter) == value
            || (value == typeof(FlowNull) && (!parameter.IsValueType || BoundValue.Underlying(parameter) is not null));

    private static object? DefaultOf(ParameterInfo parameter)
    {
        Type type = BoundValue.Underlying(parameter.ParameterType) ?? parameter.ParameterType;
        object? value = parameter.DefaultValue;
        if (value is not null && type.IsEnum) return Enum.ToObject(type, value);
        if (value is null && parameter.ParameterType.IsValueType && type == parameter.ParameterType) return RuntimeHelpers.GetUninitializedObject(type);
        return value;
    }
}

/// <summary>The type of an entry that is null.</summary>
internal sealed class FlowNull;
