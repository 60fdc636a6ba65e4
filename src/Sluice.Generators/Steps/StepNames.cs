using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Generators;

/// <summary>How types and members are written.</summary>
internal static class StepNames
{
    private static readonly SymbolDisplayFormat Full = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier | SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers);

    public static string Of(ITypeSymbol type) => type.ToDisplayString(Full);

    public static string Escape(string name) => SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None ? "@" + name : name;

    /// <summary>A name that none of those is.</summary>
    public static string Free(string wanted, IMethodSymbol method)
    {
        string name = wanted;
        for (int i = 2; method.Parameters.Any(parameter => parameter.Name == name && !StepReader.IsToken(parameter)); i++) name = wanted + i;
        return name;
    }

    /// <summary>"public static partial class Outer&lt;T&gt;", as far as a second part has to say it.</summary>
    public static string Declaration(INamedTypeSymbol type)
    {
        string kind = type switch
        {
            { TypeKind: TypeKind.Interface } => "interface",
            { IsRecord: true, IsValueType: true } => "record struct",
            { IsRecord: true } => "record",
            { IsValueType: true } => "struct",
            _ => "class",
        };
        return $"partial {kind} {Escape(type.Name)}{Arguments(type.TypeParameters.Select(parameter => parameter.Name).ToArray())}";
    }

    public static string Arguments(string[] types) => types.Length == 0 ? "" : $"<{string.Join(", ", types.Select(Escape))}>";

    public static bool IsPartial(INamedTypeSymbol type) => type.DeclaringSyntaxReferences
        .Any(reference => reference.GetSyntax() is TypeDeclarationSyntax declaration && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));

    public static string Accessibility(IMethodSymbol method) => method.DeclaredAccessibility switch
    {
        Microsoft.CodeAnalysis.Accessibility.Public => "public",
        Microsoft.CodeAnalysis.Accessibility.Internal => "internal",
        Microsoft.CodeAnalysis.Accessibility.Protected => "protected",
        Microsoft.CodeAnalysis.Accessibility.ProtectedOrInternal => "protected internal",
        Microsoft.CodeAnalysis.Accessibility.ProtectedAndInternal => "private protected",
        _ => "private",
    };

    /// <summary>" where T : class, new()", for all parameters that are constrained.</summary>
    public static string Constraints(IMethodSymbol method) => string.Concat(method.TypeParameters.Select(parameter =>
    {
        List<string> all = [];
        if (parameter.HasReferenceTypeConstraint) all.Add(parameter.ReferenceTypeConstraintNullableAnnotation == NullableAnnotation.Annotated ? "class?" : "class");
        if (parameter.HasUnmanagedTypeConstraint) all.Add("unmanaged");
        else if (parameter.HasValueTypeConstraint) all.Add("struct");
        if (parameter.HasNotNullConstraint) all.Add("notnull");
        all.AddRange(parameter.ConstraintTypes.Select(Of));
        if (parameter.HasConstructorConstraint) all.Add("new()");
        return all.Count == 0 ? "" : $" where {Escape(parameter.Name)} : {string.Join(", ", all)}";
    }));
}
