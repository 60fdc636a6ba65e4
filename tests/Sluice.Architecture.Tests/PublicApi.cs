using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Architecture.Tests;

/// <summary>Lists the public API of an assembly as C# declarations, in an order that does not depend on the sources.</summary>
internal static class PublicApi
{
    private static readonly SymbolDisplayFormat MemberFormat = new(
        SymbolDisplayGlobalNamespaceStyle.Omitted,
        SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints
            | SymbolDisplayGenericsOptions.IncludeVariance,
        SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeModifiers
            | SymbolDisplayMemberOptions.IncludeAccessibility | SymbolDisplayMemberOptions.IncludeRef
            | SymbolDisplayMemberOptions.IncludeConstantValue | SymbolDisplayMemberOptions.IncludeExplicitInterface,
        SymbolDisplayDelegateStyle.NameAndSignature,
        SymbolDisplayExtensionMethodStyle.StaticMethod,
        SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName
            | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeParamsRefOut | SymbolDisplayParameterOptions.IncludeExtensionThis,
        SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        SymbolDisplayLocalOptions.None,
        SymbolDisplayKindOptions.IncludeTypeKeyword,
        SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
            | SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers);

    internal static string List(MetadataReference assembly, IEnumerable<MetadataReference> references)
    {
        var compilation = CSharpCompilation.Create("reader", references: references.Append(assembly));
        var symbol = (IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(assembly)!;
        var text = new StringBuilder();
        foreach (var type in Types(symbol.GlobalNamespace).Where(IsVisible).OrderBy(type => type.ToDisplayString(), StringComparer.Ordinal))
            Append(text, type, "");
        return text.ToString();
    }

    private static IEnumerable<INamedTypeSymbol> Types(INamespaceSymbol space)
        => space.GetTypeMembers().Concat(space.GetNamespaceMembers().SelectMany(Types));

    private static void Append(StringBuilder text, INamedTypeSymbol type, string indent)
    {
        var place = indent.Length == 0 ? $"{type.ContainingNamespace.ToDisplayString()}: " : "";
        text.Append(indent).Append(place).Append(Header(type)).Append('\n');
        if (type.TypeKind == TypeKind.Delegate) return;
        var inner = indent + "    ";
        var twins = StaticTwins(type);
        var members = type.GetMembers().Where(member
            => member is not INamedTypeSymbol && IsVisible(member) && !IsNoise(member) && !twins.Contains(member));
        foreach (var line in members.Select(Line).Order(StringComparer.Ordinal)) text.Append(inner).Append(line).Append('\n');
        foreach (var nested in type.GetTypeMembers().Where(IsVisible).OrderBy(Header, StringComparer.Ordinal)) Append(text, nested, inner);
    }

    private static string Header(INamedTypeSymbol type)
    {
        if (type.IsExtension)
        {
            var parameter = type.ExtensionParameter!;
            var generics = type.TypeParameters.Length == 0 ? "" : $"<{string.Join(", ", type.TypeParameters.Select(each => each.Name))}>";
            return $"extension{generics}({parameter.ToDisplayString(MemberFormat)})";
        }

        var modifiers = type.TypeKind is TypeKind.Class
            ? type.IsStatic ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : ""
            : "";
        var bases = new List<string>();
        if (type.BaseType is { SpecialType: SpecialType.None } parent) bases.Add(parent.ToDisplayString(MemberFormat));
        if (type.TypeKind is not (TypeKind.Enum or TypeKind.Delegate))
            bases.AddRange(type.Interfaces.Select(each => each.ToDisplayString(MemberFormat)).Order(StringComparer.Ordinal));
        var inherits = bases.Count == 0 ? "" : $" : {string.Join(", ", bases.Select(WithoutKeyword))}";
        var name = type.ToDisplayString(MemberFormat.RemoveGenericsOptions(SymbolDisplayGenericsOptions.IncludeTypeConstraints));
        var constraints = type.ToDisplayString(MemberFormat)[name.Length..];
        return $"{Attributes(type)}public {modifiers}{name}{inherits}{constraints}";
    }

    // The compiler writes each member of an extension block once more, as a static method of the class around it.
    private static HashSet<ISymbol> StaticTwins(INamedTypeSymbol type) => type.GetTypeMembers()
        .Where(nested => nested.IsExtension)
        .SelectMany(nested => nested.GetMembers().OfType<IMethodSymbol>())
        .Select(method => method.AssociatedExtensionImplementation?.OriginalDefinition)
        .OfType<ISymbol>()
        .ToHashSet(SymbolEqualityComparer.Default);

    private static string WithoutKeyword(string type)
        => new[] { "class ", "interface " }.FirstOrDefault(word => type.StartsWith(word, StringComparison.Ordinal)) is { } keyword
            ? type[keyword.Length..] : type;

    private static string Line(ISymbol member) => Attributes(member) + member.ToDisplayString(MemberFormat);

    // Attributes that decide which call compiles are part of the API; others are not.
    private static string Attributes(ISymbol symbol) => string.Concat(symbol.GetAttributes()
        .Where(attribute => attribute.AttributeClass?.Name is "ObsoleteAttribute" or "OverloadResolutionPriorityAttribute")
        .Select(attribute => $"[{attribute.AttributeClass!.Name[..^"Attribute".Length]}"
            + $"({string.Join(", ", attribute.ConstructorArguments.Select(argument => argument.ToCSharpString()))})] "));

    private static bool IsVisible(ISymbol symbol)
        => symbol.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal
            && (symbol.CanBeReferencedByName || symbol is IMethodSymbol or IPropertySymbol or INamedTypeSymbol { IsExtension: true });

    // Accessors are shown by their properties. Every class has the members of object.
    private static bool IsNoise(ISymbol member) => member switch
    {
        IMethodSymbol { AssociatedSymbol: not null } => true,
        IMethodSymbol { MethodKind: MethodKind.StaticConstructor } => true,
        IMethodSymbol { MethodKind: MethodKind.Constructor, IsImplicitlyDeclared: true, ContainingType.IsValueType: true } => true,
        IMethodSymbol { IsOverride: true, Name: "ToString" or "GetHashCode" or "Equals" } => true,
        IMethodSymbol method => method.Name.Contains('<', StringComparison.Ordinal),
        _ => member.IsImplicitlyDeclared,
    };
}
