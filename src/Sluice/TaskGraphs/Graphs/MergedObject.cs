using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>Makes an object of values by name.</summary>
internal static class MergedObject
{
    public static object Make(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicProperties)] Type type,
        IReadOnlyDictionary<string, object?> values)
    {
        ConstructorInfo constructor = type.GetConstructors().OrderByDescending(one => one.GetParameters().Length).FirstOrDefault()
            ?? throw new InvalidOperationException($"{TypeNames.Of(type)} has no public constructor. Give it one whose parameters have the names of what is produced.");
        ParameterInfo[] parameters = constructor.GetParameters();
        object made = constructor.Invoke([.. parameters.Select(parameter => ArgumentOf(type, parameter, values))]);
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (!property.CanWrite || property.SetMethod is not { IsPublic: true } || parameters.Any(parameter => IsNamed(parameter, property))) continue;
            if (values.TryGetValue(property.Name, out object? value) && Fits(property.PropertyType, value)) property.SetValue(made, value);
        }
        return made;
    }

    private static object? ArgumentOf(Type type, ParameterInfo parameter, IReadOnlyDictionary<string, object?> values)
    {
        if (values.TryGetValue(parameter.Name!, out object? value))
        {
            return Fits(parameter.ParameterType, value) ? value : throw new InvalidOperationException(
                $"{TypeNames.Of(type)} takes {parameter.Name} as {TypeNames.Of(parameter.ParameterType)}, and {(value is null ? "null" : TypeNames.Of(value.GetType()))} was produced.");
        }
        if (parameter.HasDefaultValue) return parameter.DefaultValue;
        if (new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable) return null;
        throw new InvalidOperationException($"{TypeNames.Of(type)} takes {parameter.Name}, which nothing produced. There are: {string.Join(", ", values.Keys)}.");
    }

    private static bool Fits(Type type, object? value)
        => value is null ? !type.IsValueType || Nullable.GetUnderlyingType(type) is not null : type.IsInstanceOfType(value);

    private static bool IsNamed(ParameterInfo parameter, PropertyInfo property) => string.Equals(parameter.Name, property.Name, StringComparison.OrdinalIgnoreCase);
}
