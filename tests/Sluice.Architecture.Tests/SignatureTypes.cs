using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace Sluice.Architecture.Tests;

/// <summary>A type in a signature.</summary>
/// <param name="Name">Its name with its namespace, without type arguments; empty for what has no name, such as a type parameter.</param>
/// <param name="Definition">Its definition in the same assembly; nil if there is none.</param>
internal readonly record struct SignatureType(string Name, TypeDefinitionHandle Definition = default);

/// <summary>Decodes signatures, and collects the types of the same assembly that they name, at any depth.</summary>
internal sealed class SignatureTypes(MetadataReader code) : ISignatureTypeProvider<SignatureType, object?>
{
    /// <summary>The types that were named, in their order.</summary>
    internal List<TypeDefinitionHandle> Named { get; } = [];

    internal static string NameOf(MetadataReader code, TypeDefinitionHandle handle)
    {
        TypeDefinition type = code.GetTypeDefinition(handle);
        TypeDefinitionHandle outer = type.GetDeclaringType();
        return Join(outer.IsNil ? code.GetString(type.Namespace) : NameOf(code, outer), code.GetString(type.Name));
    }

    internal static string NameOf(MetadataReader code, TypeReferenceHandle handle)
    {
        TypeReference type = code.GetTypeReference(handle);
        bool isNested = type.ResolutionScope.Kind == HandleKind.TypeReference;
        return Join(isNested ? NameOf(code, (TypeReferenceHandle)type.ResolutionScope) : code.GetString(type.Namespace),
            code.GetString(type.Name));
    }

    /// <summary>Decodes a type, however it is written.</summary>
    internal SignatureType Decode(EntityHandle type) => type.Kind switch
    {
        HandleKind.TypeDefinition => GetTypeFromDefinition(code, (TypeDefinitionHandle)type, 0),
        HandleKind.TypeReference => GetTypeFromReference(code, (TypeReferenceHandle)type, 0),
        HandleKind.TypeSpecification => GetTypeFromSpecification(code, null, (TypeSpecificationHandle)type, 0),
        _ => default,
    };

    public SignatureType GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
    {
        Named.Add(handle);
        return new(NameOf(reader, handle), handle);
    }

    public SignatureType GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        => new(NameOf(reader, handle));

    public SignatureType GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle,
        byte rawTypeKind) => reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    public SignatureType GetGenericInstantiation(SignatureType genericType, ImmutableArray<SignatureType> typeArguments) => genericType;

    public SignatureType GetModifiedType(SignatureType modifier, SignatureType unmodifiedType, bool isRequired) => unmodifiedType;

    public SignatureType GetByReferenceType(SignatureType elementType) => elementType;

    public SignatureType GetPinnedType(SignatureType elementType) => elementType;

    public SignatureType GetPrimitiveType(PrimitiveTypeCode typeCode) => new($"System.{typeCode}");

    public SignatureType GetArrayType(SignatureType elementType, ArrayShape shape) => new("");

    public SignatureType GetSZArrayType(SignatureType elementType) => new("");

    public SignatureType GetPointerType(SignatureType elementType) => new("");

    public SignatureType GetFunctionPointerType(MethodSignature<SignatureType> signature) => new("");

    public SignatureType GetGenericMethodParameter(object? genericContext, int index) => new("");

    public SignatureType GetGenericTypeParameter(object? genericContext, int index) => new("");

    private static string Join(string before, string name)
    {
        int arity = name.IndexOf('`', StringComparison.Ordinal);
        if (arity >= 0) name = name[..arity];
        return before.Length == 0 ? name : $"{before}.{name}";
    }
}
