using System.Reflection;

namespace Sluice.Graphs;

/// <summary>Defaults of optional parameters.</summary>
internal static class ParameterDefaults
{
    /// <summary>The default as the parameter takes it: reflection gives a nullable enum as a number, and a struct as null.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "The default of a struct needs no constructor.")]
    public static object? Of(ParameterInfo parameter)
    {
        Type type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        object? value = parameter.DefaultValue;
        if (value is not null && type.IsEnum) return Enum.ToObject(type, value);
        if (value is null && parameter.ParameterType.IsValueType && type == parameter.ParameterType)
            return RuntimeHelpers.GetUninitializedObject(parameter.ParameterType);
        return value;
    }
}
