using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Sluice.Architecture.Tests;

/// <summary>Reads what the types and methods of an assembly use, and where.</summary>
internal sealed class AssemblyReader
{
    private readonly PEReader _assembly;
    private readonly MetadataReader _code;
    private readonly Func<string, SourceNames?> _names;
    private readonly SourcePlaces _places;
    private readonly UsedSymbols _symbols;
    private readonly List<SymbolUse> _uses = [];

    /// <param name="assembly">The assembly.</param>
    /// <param name="lines">Its portable PDB.</param>
    /// <param name="names">The names in a file.</param>
    internal AssemblyReader(PEReader assembly, MetadataReader lines, Func<string, SourceNames?> names)
    {
        (_assembly, _code, _names) = (assembly, assembly.GetMetadataReader(), names);
        AssertSameBuild(lines);
        _places = new(_code, lines);
        _symbols = new(_code, _places, names);
    }

    internal UsesOfAssembly Read()
    {
        foreach (TypeDefinitionHandle type in _code.TypeDefinitions)
        {
            if (!_places.IsMade(type) && _places.FilesOf(type).Count > 0) ReadDeclaration(type);
            foreach (MethodDefinitionHandle method in _code.GetTypeDefinition(type).GetMethods()) ReadMethod(method);
        }
        foreach (string path in _places.Files)
            foreach ((string type, string member, int line) in _names(path)?.Members ?? [])
                foreach (UsedSymbol constant in _symbols.Constants(type, member)) _uses.Add(new(path, line, constant));
        return new(_uses, _places.Files);
    }

    private void AssertSameBuild(MetadataReader lines)
    {
        DebugDirectoryEntry entry = _assembly.ReadDebugDirectory().First(static entry => entry.IsPortableCodeView);
        BlobContentId id = new(_assembly.ReadCodeViewDebugDirectoryData(entry).Guid, entry.Stamp);
        Assert.True(id == new BlobContentId(lines.DebugMetadataHeader!.Id),
            $"The PDB of {_code.GetString(_code.GetAssemblyDefinition().Name)} is of another build than the assembly beside it.");
    }

    private void ReadDeclaration(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _code.GetTypeDefinition(handle);
        Action<IEnumerable<UsedSymbol>> add = AddDeclared(handle);
        add(_symbols.Of(type.BaseType));
        foreach (InterfaceImplementationHandle implemented in type.GetInterfaceImplementations())
            add(_symbols.Of(_code.GetInterfaceImplementation(implemented).Interface));
        AddConstraints(add, type.GetGenericParameters());
        AddAttributes(add, type.GetCustomAttributes());
        foreach (FieldDefinition field in type.GetFields().Select(_code.GetFieldDefinition))
        {
            add(_symbols.In(field));
            AddAttributes(add, field.GetCustomAttributes());
        }
        foreach (PropertyDefinitionHandle property in type.GetProperties())
            AddAttributes(add, _code.GetPropertyDefinition(property).GetCustomAttributes());
        foreach (EventDefinitionHandle each in type.GetEvents())
            AddAttributes(add, _code.GetEventDefinition(each).GetCustomAttributes());
    }

    private void ReadMethod(MethodDefinitionHandle handle)
    {
        MethodDefinition method = _code.GetMethodDefinition(handle);
        TypeDefinitionHandle type = method.GetDeclaringType();
        SourcePlace[] places = _places.Of(handle);
        Func<int, Action<IEnumerable<UsedSymbol>>> addAt;
        if (places.Length == 0)
        {
            // Without lines this reader would be blind, and a test that asks it, too.
            Assert.True(method.RelativeVirtualAddress == 0 || _places.IsMade(handle),
                $"The PDB has no line of {SignatureTypes.NameOf(_code, type)}.{_code.GetString(method.Name)}.");
            if (_places.IsGenerated(handle) || _places.IsMade(type) || _places.FilesOf(type).Count == 0) return;
            Action<IEnumerable<UsedSymbol>> add = AddDeclared(type);
            addAt = _ => add;
        }
        else
        {
            addAt = offset => symbols => Add(PlaceAt(places, offset), symbols);
        }
        ReadSignature(method, addAt(0));
        if (method.RelativeVirtualAddress != 0) ReadBody(_assembly.GetMethodBody(method.RelativeVirtualAddress), addAt);
    }

    private void ReadSignature(MethodDefinition method, Action<IEnumerable<UsedSymbol>> add)
    {
        add(_symbols.In(method));
        AddConstraints(add, method.GetGenericParameters());
        AddAttributes(add, method.GetCustomAttributes());
        foreach (ParameterHandle parameter in method.GetParameters())
            AddAttributes(add, _code.GetParameter(parameter).GetCustomAttributes());
    }

    private void ReadBody(MethodBodyBlock body, Func<int, Action<IEnumerable<UsedSymbol>>> addAt)
    {
        if (!body.LocalSignature.IsNil) addAt(0)(_symbols.Of(body.LocalSignature));
        foreach ((int offset, EntityHandle used) in IntermediateCode.Tokens(body.GetILReader()))
            if (_symbols.Of(used) is { Count: > 0 } symbols) addAt(offset)(symbols);
        foreach (ExceptionRegion region in body.ExceptionRegions)
            if (region.Kind == ExceptionRegionKind.Catch) addAt(region.HandlerOffset)(_symbols.Of(region.CatchType));
    }

    private static SourcePlace PlaceAt(SourcePlace[] places, int offset)
    {
        int next = Array.FindIndex(places, place => place.Offset > offset);
        return places[next < 0 ? places.Length - 1 : Math.Max(0, next - 1)];
    }

    private void AddConstraints(Action<IEnumerable<UsedSymbol>> add, GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameter parameter in parameters.Select(_code.GetGenericParameter))
        {
            foreach (GenericParameterConstraintHandle constraint in parameter.GetConstraints())
                add(_symbols.Of(_code.GetGenericParameterConstraint(constraint).Type));
            AddAttributes(add, parameter.GetCustomAttributes());
        }
    }

    private void AddAttributes(Action<IEnumerable<UsedSymbol>> add, CustomAttributeHandleCollection attributes)
    {
        foreach (CustomAttribute attribute in attributes.Select(_code.GetCustomAttribute))
        {
            add(_symbols.Of(attribute.Constructor));
            add(_symbols.In(attribute));
        }
    }

    private void Add(SourcePlace place, IEnumerable<UsedSymbol> symbols)
    {
        foreach (UsedSymbol symbol in symbols) _uses.Add(new(place.Path, place.Line, symbol));
    }

    // The PDB does not say in which of its files a type declares a field, nor in which line. The files that name the used type do.
    private Action<IEnumerable<UsedSymbol>> AddDeclared(TypeDefinitionHandle type) => symbols =>
    {
        foreach (UsedSymbol symbol in symbols)
        {
            var named = _places.FilesOf(type).Select(path => (Path: path, Line: _names(path)?.LineOf(symbol)))
                .Where(static place => place.Line is not null).ToList();
            foreach ((string path, int? line) in named) _uses.Add(new(path, line!.Value, symbol));
            if (named.Count == 0) Add(_places.Of(type), [symbol]);
        }
    };
}
