using System.Collections.Generic;
using System.Linq;

namespace Sluice.Generators;

/// <summary>Copies the attributes of a method that matter to its callers to the twin and to the class of the calls.</summary>
internal static class StepAttributes
{
    private const string Accessed = "System.Diagnostics.CodeAnalysis.DynamicallyAccessedMembersAttribute";
    private const string Unreferenced = "System.Diagnostics.CodeAnalysis.RequiresUnreferencedCodeAttribute";
    private const string Experimental = "System.Diagnostics.CodeAnalysis.ExperimentalAttribute";
    private const string Obsolete = "System.ObsoleteAttribute";

    private static readonly string[] Copied =
    [
        Experimental, Obsolete, "System.Diagnostics.CodeAnalysis.RequiresDynamicCodeAttribute", Unreferenced,
        "System.Runtime.Versioning.SupportedOSPlatformAttribute", "System.Runtime.Versioning.UnsupportedOSPlatformAttribute",
    ];

    /// <summary>The attribute lines before the twin, and before the class of the calls.</summary>
    public static string Of(IMethodSymbol method)
    {
        string copied = string.Concat(method.GetAttributes().Where(attribute => Copied.Contains(NameOf(attribute)))
            .Select(attribute => $"{Written(attribute)}\n"));
        // Trimming cannot follow a parameter's requirements through a future, so the twin warns callers that trim.
        return Has(method, Unreferenced) || method.Parameters.FirstOrDefault(parameter => Has(parameter, Accessed)) is not { } parameter
            ? copied
            : $"{copied}[global::{Unreferenced}(\"Trimming does not see what '{method.Name}' wants kept of its "
            + $"argument '{parameter.Name}', as that may be a future. Call the method itself, or see to it that it is kept.\")]\n";
    }

    /// <summary>The trimming requirements of a type parameter.</summary>
    public static string Of(ITypeParameterSymbol parameter)
        => string.Concat(parameter.GetAttributes().Where(attribute => NameOf(attribute) == Accessed)
        .Select(attribute => $"{Written(attribute)} "));

    public static bool Has(ISymbol symbol, string attribute) => symbol.GetAttributes().Any(found => NameOf(found) == attribute);

    /// <summary>
    /// The ids of warnings about the method, or types in its signature, to disable in the generated code: the compiler reports them at the
    /// method.
    /// </summary>
    public static IEnumerable<string> Silenced(IMethodSymbol method)
    {
        var ids = new HashSet<string>();
        Note(method);
        Visit(method.ReturnType);
        foreach (IParameterSymbol parameter in method.Parameters) Visit(parameter.Type);
        foreach (ITypeSymbol constraint in method.TypeParameters.SelectMany(parameter => parameter.ConstraintTypes)) Visit(constraint);
        Visit(method.ContainingType);
        return ids;

        void Visit(ITypeSymbol type)
        {
            if (type is IArrayTypeSymbol array) Visit(array.ElementType);
            if (type is not INamedTypeSymbol named) return;
            for (INamedTypeSymbol? outer = named; outer is not null; outer = outer.ContainingType) Note(outer);
            foreach (ITypeSymbol argument in named.TypeArguments) Visit(argument);
            if (named.ContainingType is { } around) Visit(around);
            if (named.ContainingModule is { } module) Note(module);
            if (named.ContainingAssembly is { } assembly) Note(assembly);
        }

        void Note(ISymbol symbol)
        {
            foreach (AttributeData attribute in symbol.GetAttributes())
            {
                object? id = NameOf(attribute) switch
                {
                    Experimental => attribute.ConstructorArguments.FirstOrDefault().Value,
                    Obsolete => attribute.NamedArguments.FirstOrDefault(option => option.Key == "DiagnosticId").Value.Value,
                    _ => null,
                };
                if (id is string text && SyntaxFacts.IsValidIdentifier(text)) ids.Add(text);
            }
        }
    }

    private static string? NameOf(AttributeData attribute) => attribute.AttributeClass?.ToDisplayString();

    private static string Written(AttributeData attribute)
    {
        IEnumerable<string> arguments = attribute.ConstructorArguments.Select(Written)
            .Concat(attribute.NamedArguments.Select(option => $"{option.Key} = {Written(option.Value)}"));
        string all = string.Join(", ", arguments);
        return $"[{StepNames.Of(attribute.AttributeClass!)}{(all.Length == 0 ? "" : $"({all})")}]";
    }

    private static string Written(TypedConstant value) => value switch
    {
        { IsNull: true } => "null",
        { Kind: TypedConstantKind.Enum } => $"({StepNames.Of(value.Type!)})({value.Value})",
        _ => SymbolDisplay.FormatPrimitive(value.Value!, quoteStrings: true, useHexadecimalNumbers: false),
    };
}
