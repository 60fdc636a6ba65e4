using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Generators;

/// <summary>A parameter of a method, and of its twin.</summary>
internal sealed class StepParameter
{
    private static readonly string[] Collections = ["IEnumerable`1", "IReadOnlyList`1", "IReadOnlyCollection`1", "IList`1", "ICollection`1", "List`1"];

    private readonly IParameterSymbol parameter;
    private readonly ITypeSymbol? element;           // of a collection
    private readonly string argument;                // the type of the twin's parameter

    public StepParameter(IParameterSymbol parameter)
    {
        this.parameter = parameter;
        element = ElementOf(parameter.Type);
        argument = element is null ? $"global::Sluice.Arg<{StepNames.Of(parameter.Type)}>" : $"global::Sluice.Args<{StepNames.Of(element)}>";
    }

    public string Name => StepNames.Escape(parameter.Name);

    /// <summary>What a reader of the documentation wants to know.</summary>
    public string Description => element is null ? "A value, or the future of one." : "Values and futures mixed, or the future of all.";

    /// <summary>"Arg&lt;int&gt;? retries = null".</summary>
    public string InTwin => parameter.HasExplicitDefaultValue ? $"{argument}? {Name} = null" : $"{argument} {Name}";

    /// <summary>"Arg&lt;int&gt; retries".</summary>
    public string InCall => IsOptionalCollection ? $"{argument}? {Name}" : $"{argument} {Name}";

    /// <summary>What the twin gives to the call.</summary>
    public string Given => parameter.HasExplicitDefaultValue && element is null ? $"{Name} ?? ({StepNames.Of(parameter.Type)}){Default}" : Name;

    public string Gathered => IsOptionalCollection ? $"if ({Name} is {{ }} given{parameter.Ordinal}) Needs(given{parameter.Ordinal});" : $"Needs({Name});";

    /// <summary>What the call gives to the method.</summary>
    public string Value
    {
        get
        {
            if (element is null) return $"ValueOf({Name})";
            string given = $"given{parameter.Ordinal}";
            string values = $"ValuesOf({(IsOptionalCollection ? given : Name)})";
            if (parameter.Type is INamedTypeSymbol { TypeKind: TypeKind.Class }) values = $"new global::System.Collections.Generic.List<{StepNames.Of(element)}>({values})";
            return IsOptionalCollection ? $"{Name} is {{ }} {given} ? {values} : null" : values;
        }
    }

    private bool IsOptionalCollection => parameter.HasExplicitDefaultValue && element is not null;

    private string Default
    {
        get
        {
            object? value = parameter.ExplicitDefaultValue;
            if (value is null) return "default!";
            ITypeSymbol type = parameter.Type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable ? nullable.TypeArguments[0] : parameter.Type;
            string literal = value switch
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
                _ => SymbolDisplay.FormatPrimitive(value, quoteStrings: true, useHexadecimalNumbers: false),
            };
            return type.TypeKind == TypeKind.Enum ? $"(({StepNames.Of(type)})({literal}))" : $"({literal})";
        }
    }

    /// <summary>Why it cannot be an argument; null if it can.</summary>
    public static string? Problem(IParameterSymbol parameter) => parameter switch
    {
        { RefKind: RefKind.Ref or RefKind.Out } => "it is passed by reference, and the caller has gone on when the step runs",
        { Type.IsRefLikeType: true } => $"{parameter.Type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat)} lives on the stack, and the caller has gone on when the step runs; take an array or a Memory",
        { Type.TypeKind: TypeKind.Pointer or TypeKind.FunctionPointer } => "it is a pointer",
        { Type: ITypeParameterSymbol { AllowsRefLikeType: true } } => "its type may be one that lives on the stack (allows ref struct)",
        _ => null,
    };

    private static ITypeSymbol? ElementOf(ITypeSymbol type)
    {
        if (type is IArrayTypeSymbol { Rank: 1 } array) return array.ElementType;
        return type is INamedTypeSymbol { Arity: 1 } named && Collections.Contains(named.OriginalDefinition.MetadataName)
            && named.ContainingNamespace.ToDisplayString() == "System.Collections.Generic" ? named.TypeArguments[0] : null;
    }
}
