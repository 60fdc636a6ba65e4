using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary>Finds what the tokens of an assembly stand for: the types of the assembly itself, its members, and members of others.</summary>
internal sealed partial class UsedSymbols(MetadataReader code, SourcePlaces places, Func<string, SourceNames?> names)
{
    private readonly Dictionary<EntityHandle, IReadOnlyList<UsedSymbol>> _symbols = [];

    private Dictionary<(string Type, string Member), UsedSymbol[]>? _constants;

    private readonly Lazy<Dictionary<string, TypeDefinitionHandle>> _serializedNames = new(() => code.TypeDefinitions
        .ToDictionary(type => SerializedName(code, type), StringComparer.Ordinal));

    /// <summary>The symbols of a token: a member, and the types that its type arguments name.</summary>
    internal IReadOnlyList<UsedSymbol> Of(EntityHandle token)
    {
        if (token.IsNil) return [];
        if (!_symbols.TryGetValue(token, out IReadOnlyList<UsedSymbol>? symbols)) _symbols[token] = symbols = [.. Find(token)];
        return symbols;
    }

    /// <summary>The types in the type of a field.</summary>
    internal IEnumerable<UsedSymbol> In(FieldDefinition field)
        => Named(types => field.DecodeSignature(types, null));

    /// <summary>The types in the signature of a method.</summary>
    internal IEnumerable<UsedSymbol> In(MethodDefinition method)
        => Named(types => method.DecodeSignature(types, null));

    /// <summary>The types that an attribute names by <c>typeof</c>.</summary>
    internal IEnumerable<UsedSymbol> In(CustomAttribute attribute)
    {
        CustomAttributeValue<string> value = attribute.DecodeValue(new AttributeTypes(code));
        var names = value.FixedArguments.Select(static argument => argument.Value)
            .Concat(value.NamedArguments.Select(static argument => argument.Value))
            .SelectMany(static value => value is ImmutableArray<CustomAttributeTypedArgument<string>> many
                ? many.Select(static each => each.Value) : [value])
            .OfType<string>();
        foreach (string name in names)
            foreach (Match part in Names().Matches(name))
                if (_serializedNames.Value.TryGetValue(part.Value, out TypeDefinitionHandle type))
                    foreach (UsedSymbol symbol in Of(type)) yield return symbol;
    }

    /// <summary>The constants of a name, such as the members of enums, in all types of a name.</summary>
    internal IReadOnlyList<UsedSymbol> Constants(string type, string member)
        => (_constants ??= FindConstants()).GetValueOrDefault((type, member)) ?? [];

    private IEnumerable<UsedSymbol> Find(EntityHandle token) => token.Kind switch
    {
        HandleKind.TypeDefinition => places.IsMade((TypeDefinitionHandle)token) ? [] : [TypeSymbol((TypeDefinitionHandle)token)],
        HandleKind.TypeSpecification => Named(types => types.Decode(token)),
        HandleKind.StandaloneSignature => InStandalone(code.GetStandaloneSignature((StandaloneSignatureHandle)token)),
        HandleKind.MethodDefinition => MethodSymbols((MethodDefinitionHandle)token),
        HandleKind.FieldDefinition => FieldSymbols((FieldDefinitionHandle)token),
        HandleKind.MethodSpecification => InSpecification(code.GetMethodSpecification((MethodSpecificationHandle)token)),
        HandleKind.MemberReference => InReference(code.GetMemberReference((MemberReferenceHandle)token)),
        HandleKind.TypeReference => [],
        _ => throw new NotSupportedException($"A token of the kind {token.Kind}."),
    };

    private Dictionary<(string, string), UsedSymbol[]> FindConstants()
        => code.FieldDefinitions.Where(field => code.GetFieldDefinition(field).Attributes.HasFlag(FieldAttributes.Literal))
            .SelectMany(FieldSymbols).GroupBy(static field => (field.Type[(field.Type.LastIndexOf('.') + 1)..], field.Member!))
            .ToDictionary(static fields => fields.Key, static fields => fields.ToArray());

    private UsedSymbol TypeSymbol(TypeDefinitionHandle type)
        => new(SignatureTypes.NameOf(code, type), null, [], FilesOf(type, code.GetString(code.GetTypeDefinition(type).Name)));

    private IEnumerable<UsedSymbol> MethodSymbols(MethodDefinitionHandle handle)
    {
        MethodDefinition method = code.GetMethodDefinition(handle);
        TypeDefinitionHandle type = method.GetDeclaringType();
        if (places.IsMade(type)) yield break;
        string name = MemberName(code.GetString(method.Name));
        var parameters = method.DecodeSignature(new SignatureTypes(code), null).ParameterTypes;
        string[] files = [.. places.Of(handle).Select(static place => place.Path).Distinct()];
        yield return new(SignatureTypes.NameOf(code, type), name, [.. parameters.Select(static parameter => parameter.Name)],
            files.Length > 0 ? files : FilesOf(type, name));
    }

    // A closure or state machine holds variables of a method: where it uses one, the method uses the variable's type.
    private IEnumerable<UsedSymbol> FieldSymbols(FieldDefinitionHandle handle)
    {
        FieldDefinition field = code.GetFieldDefinition(handle);
        TypeDefinitionHandle type = field.GetDeclaringType();
        string name = code.GetString(field.Name);
        return places.IsMade(type) ? In(field) : [new(SignatureTypes.NameOf(code, type), name, [], FilesOf(type, name))];
    }

    // The files of a type that declare the type, or a member without code.
    private IReadOnlyList<string> FilesOf(TypeDefinitionHandle type, string member)
    {
        IReadOnlyList<string> all = places.FilesOf(type);
        if (all.Count < 2) return all;
        string name = member.Split('`')[0];
        string[] declaring = [.. all.Where(path => names(path)?.Declares(name) == true)];
        return declaring.Length > 0 ? declaring : all;
    }

    private IEnumerable<UsedSymbol> InSpecification(MethodSpecification method)
        => Of(method.Method).Concat(Named(types => method.DecodeSignature(types, null)));

    private IEnumerable<UsedSymbol> InStandalone(StandaloneSignature signature) => signature.GetKind() == StandaloneSignatureKind.Method
        ? Named(types => signature.DecodeMethodSignature(types, null))
        : Named(types => signature.DecodeLocalSignature(types, null));

    private IEnumerable<UsedSymbol> InReference(MemberReference member)
    {
        if (member.Parent.Kind == HandleKind.MethodDefinition) return Of(member.Parent);           // with a variable number of arguments
        SignatureTypes types = new(code);
        SignatureType type = types.Decode(member.Parent);
        return Symbols(types).Concat(type.Definition.IsNil ? Foreign(member, type.Name) : Own(member, type.Definition));
    }

    // A member of another assembly. Arrays have members, too, but no name.
    private IEnumerable<UsedSymbol> Foreign(MemberReference member, string type)
    {
        if (type.Length == 0) yield break;
        IEnumerable<SignatureType> parameters = member.GetKind() == MemberReferenceKind.Field ? []
            : member.DecodeMethodSignature(new SignatureTypes(code), null).ParameterTypes;
        yield return new(type, MemberName(code.GetString(member.Name)), [.. parameters.Select(static each => each.Name)], []);
    }

    // A member of a generic type of this assembly, whose reference has the signature of the definition.
    private IEnumerable<UsedSymbol> Own(MemberReference member, TypeDefinitionHandle type)
    {
        string name = code.GetString(member.Name);
        TypeDefinition definition = code.GetTypeDefinition(type);
        if (member.GetKind() == MemberReferenceKind.Field)
            return definition.GetFields().Where(each => code.StringComparer.Equals(code.GetFieldDefinition(each).Name, name))
                .SelectMany(FieldSymbols);
        byte[] signature = code.GetBlobBytes(member.Signature);
        return definition.GetMethods().Where(each => code.GetMethodDefinition(each) is var method
            && code.StringComparer.Equals(method.Name, name) && signature.AsSpan().SequenceEqual(code.GetBlobBytes(method.Signature)))
            .SelectMany(MethodSymbols);
    }

    private IEnumerable<UsedSymbol> Named(Action<SignatureTypes> decode)
    {
        SignatureTypes types = new(code);
        decode(types);
        return Symbols(types);
    }

    private IEnumerable<UsedSymbol> Symbols(SignatureTypes types) => types.Named.Distinct().SelectMany(type => Of(type));

    // A property or event has the name that the source shows.
    private static string MemberName(string name)
        => Accessor().Match(name) is { Success: true } accessor ? name[accessor.Length..] : name;

    private static string SerializedName(MetadataReader code, TypeDefinitionHandle handle)
    {
        TypeDefinition type = code.GetTypeDefinition(handle);
        string name = code.GetString(type.Name), space = code.GetString(type.Namespace);
        return type.GetDeclaringType() is { IsNil: false } outer ? $"{SerializedName(code, outer)}+{name}"
            : space.Length == 0 ? name : $"{space}.{name}";
    }

    [GeneratedRegex("^(get|set|add|remove)_")]
    private static partial Regex Accessor();

    [GeneratedRegex(@"[\w.+`<>]+")]
    private static partial Regex Names();

    /// <summary>Decodes the arguments of attributes. A type has the name that <see cref="Type.AssemblyQualifiedName"/> gives it.</summary>
    private sealed class AttributeTypes(MetadataReader code) : ICustomAttributeTypeProvider<string>
    {
        private const string SystemType = "System.Type";

        public string GetSystemType() => SystemType;

        public bool IsSystemType(string type) => type == SystemType;

        public string GetTypeFromSerializedName(string name) => name;

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetSZArrayType(string elementType) => $"{elementType}[]";

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
            => SerializedName(reader, handle);

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
            => SignatureTypes.NameOf(reader, handle);

        public PrimitiveTypeCode GetUnderlyingEnumType(string type)
        {
            TypeDefinitionHandle own = code.TypeDefinitions.FirstOrDefault(each => SerializedName(code, each) == type);
            if (own.IsNil) return PrimitiveTypeCode.Int32;                // those of the framework that stand in attributes
            FieldDefinition value = code.GetFieldDefinition(code.GetTypeDefinition(own).GetFields().First());
            BlobReader signature = code.GetBlobReader(value.Signature);
            signature.ReadSignatureHeader();
            return (PrimitiveTypeCode)signature.ReadByte();
        }
    }
}
