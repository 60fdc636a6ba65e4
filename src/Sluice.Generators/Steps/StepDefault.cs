using System;
using System.Globalization;

namespace Sluice.Generators;

/// <summary>The default value of an optional parameter, as text.</summary>
internal static class StepDefault
{
    public static string Of(IParameterSymbol parameter)
    {
        if (parameter.IsParams) return "[]";
        // [Optional]
        if (!parameter.HasExplicitDefaultValue) return parameter.Type.SpecialType == SpecialType.System_Object
            ? "global::System.Type.Missing" : "default!";
        object? value = parameter.ExplicitDefaultValue;
        if (value is null) return "default!";
        ITypeSymbol type = parameter.Type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable
            ? nullable.TypeArguments[0] : parameter.Type;
        return type.TypeKind == TypeKind.Enum ? $"({StepNames.Of(type)})({Literal(value)})" : Literal(value);
    }

    private static string Literal(object value) => value switch
    {
        bool truth => truth ? "true" : "false",
        double.NaN => "double.NaN",
        double.PositiveInfinity => "double.PositiveInfinity",
        double.NegativeInfinity => "double.NegativeInfinity",
        float.NaN => "float.NaN",
        float.PositiveInfinity => "float.PositiveInfinity",
        float.NegativeInfinity => "float.NegativeInfinity",
        decimal number => number.ToString(CultureInfo.InvariantCulture) + "m",
        float number => number.ToString("R", CultureInfo.InvariantCulture) + "f",
        double number => number.ToString("R", CultureInfo.InvariantCulture) + "d",
        DateTime time => $"new global::System.DateTime({time.Ticks}L)",
        _ => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false),
    };
}
