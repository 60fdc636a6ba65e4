using System.Collections.Generic;
using System.Linq;

namespace Sluice.Generators;

/// <summary>Writes the names of types and members.</summary>
internal static class StepNames
{
    private static readonly SymbolDisplayFormat Full = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
        | SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers);

    /// <summary>The format of namespaces.</summary>
    public static readonly SymbolDisplayFormat Space = Full.WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted);

    public static string Of(ITypeSymbol type) => type.ToDisplayString(Full);

    public static string Escape(string name) => SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None ? "@" + name : name;

    /// <summary>
    /// Escapes contextual keywords as well: members and type parameters with such names may stand where they are keywords.
    /// </summary>
    public static string EscapeAll(string name) => SyntaxFacts.GetContextualKeywordKind(name) != SyntaxKind.None ? "@" + name
        : Escape(name);

    /// <summary>A name that no parameter or type parameter has.</summary>
    public static string Free(string wanted, IMethodSymbol method)
    {
        string name = wanted;
        for (int i = 2; method.Parameters.Any(parameter => parameter.Name == name && !StepReader.IsToken(parameter))
            || method.TypeParameters.Any(parameter => parameter.Name == name); i++) name = wanted + i;
        return name;
    }

    /// <summary>The declaration of another part of a type, as "public static partial class Outer&lt;T&gt;".</summary>
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
        return $"partial {kind} {EscapeAll(type.Name)}{List(type.TypeParameters.Select(parameter => EscapeAll(parameter.Name)))}";
    }

    /// <summary>The type parameters in a declaration, as "&lt;T&gt;".</summary>
    public static string Parameters(IMethodSymbol method)
        => List(method.TypeParameters.Select(parameter => StepAttributes.Of(parameter) + EscapeAll(parameter.Name)));

    /// <summary>The type parameters as arguments, as "&lt;T&gt;".</summary>
    public static string Arguments(IMethodSymbol method) => List(method.TypeParameters.Select(parameter => EscapeAll(parameter.Name)));

    private static string List(IEnumerable<string> types)
    {
        string all = string.Join(", ", types);
        return all.Length == 0 ? "" : $"<{all}>";
    }

    public static bool IsPartial(INamedTypeSymbol type) => type.DeclaringSyntaxReferences
        .Any(reference => reference.GetSyntax() is TypeDeclarationSyntax declaration
        && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));

    public static string Accessibility(IMethodSymbol method) => method.DeclaredAccessibility switch
    {
        Microsoft.CodeAnalysis.Accessibility.Public => "public",
        Microsoft.CodeAnalysis.Accessibility.Internal => "internal",
        Microsoft.CodeAnalysis.Accessibility.Protected => "protected",
        Microsoft.CodeAnalysis.Accessibility.ProtectedOrInternal => "protected internal",
        Microsoft.CodeAnalysis.Accessibility.ProtectedAndInternal => "private protected",
        _ => "private",
    };

    /// <summary>The constraints of all type parameters, as " where T : class, new()".</summary>
    public static string Constraints(IMethodSymbol method) => string.Concat(method.TypeParameters.Select(parameter =>
    {
        List<string> all = [];
        if (parameter.HasReferenceTypeConstraint) all.Add(
            parameter.ReferenceTypeConstraintNullableAnnotation == NullableAnnotation.Annotated ? "class?" : "class");
        if (parameter.HasUnmanagedTypeConstraint) all.Add("unmanaged");
        else if (parameter.HasValueTypeConstraint) all.Add("struct");
        if (parameter.HasNotNullConstraint) all.Add("notnull");
        all.AddRange(parameter.ConstraintTypes.Select(Of));
        if (parameter.HasConstructorConstraint) all.Add("new()");
        if (parameter.AllowsRefLikeType) all.Add("allows ref struct");
        return all.Count == 0 ? "" : $" where {EscapeAll(parameter.Name)} : {string.Join(", ", all)}";
    }));
}
