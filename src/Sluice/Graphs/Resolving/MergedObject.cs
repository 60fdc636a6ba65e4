using System.Reflection;

namespace Sluice.Graphs;

/// <summary>Makes an object from values by name.</summary>
internal static class MergedObject
{
    public static object Make(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors
            | DynamicallyAccessedMemberTypes.PublicProperties)] Type type,
        IReadOnlyDictionary<string, object?> values)
    {
        ConstructorInfo? constructor = type.GetConstructors().MaxBy(one => one.GetParameters().Length);
        if (constructor is null && !type.IsValueType)
            throw new InvalidOperationException(
                $"{TypeNames.Of(type)} has no public constructor. Give it one whose parameters have the names of what is produced.");
        ParameterInfo[] parameters = constructor?.GetParameters() ?? [];
        object?[] arguments = Array.ConvertAll(parameters, parameter => ArgumentOf(type, parameter, values));
        // Exceptions of the constructor and of properties are the caller's own, so they are not wrapped.
        object made = constructor is null ? Activator.CreateInstance(type)!
            : constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
        bool isRequired = constructor?.IsDefined(typeof(SetsRequiredMembersAttribute)) != true;
        foreach (PropertyInfo property in NamedProperties.Settable(type))
        {
            if (Array.Exists(parameters, parameter => IsNamed(parameter, property))) continue;
            if (values.TryGetValue(property.Name, out object? value))
                property.SetValue(made, Fitting(type, property.Name, property.PropertyType, value), BindingFlags.DoNotWrapExceptions, null,
                    null, null);
            else if (isRequired && property.IsDefined(typeof(RequiredMemberAttribute)))
                throw Missing(type, property.Name, values);
        }
        return made;
    }

    private static object? ArgumentOf(Type type, ParameterInfo parameter, IReadOnlyDictionary<string, object?> values)
    {
        if (values.TryGetValue(parameter.Name!, out object? value)) return Fitting(type, parameter.Name!, parameter.ParameterType, value);
        if (parameter.HasDefaultValue) return ParameterDefault.Of(parameter);
        if (new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable) return null;
        throw Missing(type, parameter.Name!, values);
    }

    private static object? Fitting(Type owner, string name, Type type, object? value)
    {
        bool fits = value is null ? !type.IsValueType || Nullable.GetUnderlyingType(type) is not null : type.IsInstanceOfType(value);
        return fits ? value : throw new InvalidOperationException(
            $"{TypeNames.Of(owner)} takes {name} as {TypeNames.Of(type)}, and {(value is null ? "null" : TypeNames.Of(value.GetType()))} "
                + $"was produced.");
    }

    private static InvalidOperationException Missing(Type type, string name, IReadOnlyDictionary<string, object?> values)
        => new($"{TypeNames.Of(type)} takes {name}, which nothing produced. There are: {string.Join(", ", values.Keys)}.");

    private static bool IsNamed(ParameterInfo parameter, PropertyInfo property)
        => string.Equals(parameter.Name, property.Name, StringComparison.OrdinalIgnoreCase);
}
