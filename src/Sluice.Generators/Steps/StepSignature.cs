using System.Linq;

namespace Sluice.Generators;

/// <summary>
/// The signature that twins of one name must differ in, as the compiler compares it: without nullability, tuple names, names of type
/// parameters, and <c>dynamic</c>.
/// </summary>
internal static class StepSignature
{
    public static string Of(IMethodSymbol method)
        => method.Arity + ": " + string.Join(", ", StepParameter.All(method)
        .Select(parameter => parameter.Element is { } element ? $"{Key(element)}*" : Key(parameter.Type)));

    private static string Key(ITypeSymbol type) => type switch
    {
        ITypeParameterSymbol { TypeParameterKind: TypeParameterKind.Method } parameter => $"!{parameter.Ordinal}",
        IArrayTypeSymbol array => $"{Key(array.ElementType)}[{array.Rank}]",
        IDynamicTypeSymbol => "object",
        INamedTypeSymbol { IsTupleType: true, TupleUnderlyingType: { } tuple } => Key(tuple),
        INamedTypeSymbol named
            => $"{(named.ContainingType is { } outer ? Key(outer) : named.ContainingNamespace?.ToDisplayString())}.{named.MetadataName}<{string.Join(", ", named.TypeArguments.Select(Key))}>",
        _ => type.ToDisplayString(),
    };
}
