using System.Reflection;

namespace Sluice;

/// <summary>Reads the default of an optional parameter.</summary>
internal static class ParameterDefault
{
    // Metadata has null for a default struct, and the number for an enum. A nullable type has the default of its underlying type.
    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "A default structure needs no constructor.")]
    public static object? Of(ParameterInfo parameter)
    {
        Type type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        if (parameter.DefaultValue is { } value) return type.IsEnum ? Enum.ToObject(type, value) : value;
        return type.IsValueType && type == parameter.ParameterType ? RuntimeHelpers.GetUninitializedObject(type) : null;
    }
}
