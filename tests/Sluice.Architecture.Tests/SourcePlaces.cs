using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Text.RegularExpressions;

namespace Sluice.Architecture.Tests;

/// <summary>A place in a source file.</summary>
/// <param name="Offset">The first instruction of the place in its method.</param>
internal readonly record struct SourcePlace(int Offset, string Path, int Line);

/// <summary>Knows from a portable PDB which source files and lines the methods and types of an assembly come from.</summary>
internal sealed partial class SourcePlaces
{
    private static readonly Guid TypeDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");

    private static readonly SourcePlace[] None = [];

    private readonly MetadataReader _code, _lines;

    private readonly Dictionary<DocumentHandle, string> _documents = [];

    private readonly Dictionary<MethodDefinitionHandle, SourcePlace[]> _methods = [];

    private readonly HashSet<MethodDefinitionHandle> _generated = [];

    private readonly Dictionary<TypeDefinitionHandle, bool> _made = [];

    // The first line of code in each file of a type.
    private readonly Dictionary<TypeDefinitionHandle, SortedDictionary<string, int>> _types = [];

    internal SourcePlaces(MetadataReader code, MetadataReader lines)
    {
        (_code, _lines) = (code, lines);
        foreach (MethodDefinitionHandle method in code.MethodDefinitions) AddMethod(method);
        foreach (CustomDebugInformationHandle handle in lines.CustomDebugInformation)
        {
            CustomDebugInformation information = lines.GetCustomDebugInformation(handle);
            if (lines.GetGuid(information.Kind) != TypeDocuments) continue;
            BlobReader documents = lines.GetBlobReader(information.Value);
            while (documents.RemainingBytes > 0)
            {
                string path = PathOf(MetadataTokens.DocumentHandle(documents.ReadCompressedInteger()));
                if (!IsGenerated(path)) AddType((TypeDefinitionHandle)information.Parent, path, line: 1);
            }
        }
    }

    /// <summary>The files that methods and types come from.</summary>
    internal IReadOnlySet<string> Files => _types.Values.SelectMany(static files => files.Keys).ToHashSet(StringComparer.Ordinal);

    /// <summary>The places of a method's instructions, in their order; empty if the compiler made the method. An async method or iterator
    /// has those of its state machine.</summary>
    internal SourcePlace[] Of(MethodDefinitionHandle method) => _methods.GetValueOrDefault(method, None);

    /// <summary>The files of a type, and of the closures in it, in ordinal order; of the type around it if they are not known.</summary>
    internal IReadOnlyList<string> FilesOf(TypeDefinitionHandle type)
        => _types.TryGetValue(Declared(type), out var files) ? [.. files.Keys] : [];

    /// <summary>The place that stands for the declaration of a type with files.</summary>
    internal SourcePlace Of(TypeDefinitionHandle type)
        => _types[Declared(type)].MinBy(static file => file.Key.Length) is var file ? new(0, file.Key, file.Value) : default;

    /// <summary>The compiler made the type: a closure, a state machine, an anonymous type, a form of extension members.</summary>
    internal bool IsMade(TypeDefinitionHandle handle)
    {
        if (_made.TryGetValue(handle, out bool isMade)) return isMade;
        TypeDefinition type = _code.GetTypeDefinition(handle);
        string name = _code.GetString(type.Name);
        return _made[handle] = (name.StartsWith('<') && !LocalToFile().IsMatch(name)) || IsMade(type.GetCustomAttributes())
            || (type.GetDeclaringType() is { IsNil: false } outer && IsMade(outer));
    }

    /// <summary>The compiler or a generator made the method, or the whole of its code, which then has no lines: a member of a record, a
    /// constructor, a member of an interface whose name has its type.</summary>
    internal bool IsMade(MethodDefinitionHandle handle)
    {
        MethodDefinition method = _code.GetMethodDefinition(handle);
        string name = _code.GetString(method.Name);
        return IsGenerated(handle) || IsMade(method.GetCustomAttributes()) || IsMade(method.GetDeclaringType()) || name.StartsWith('<')
            || (Of(handle).Length == 0 && name.Contains('.', StringComparison.Ordinal));
    }

    /// <summary>A generator of the SDK wrote the method.</summary>
    internal bool IsGenerated(MethodDefinitionHandle method) => _generated.Contains(method);

    private bool IsMade(CustomAttributeHandleCollection attributes)
        => attributes.Any(handle => _code.GetCustomAttribute(handle).Constructor is { Kind: HandleKind.MemberReference } constructor
            && _code.GetMemberReference((MemberReferenceHandle)constructor).Parent is { Kind: HandleKind.TypeReference } type
            && _code.GetString(_code.GetTypeReference((TypeReferenceHandle)type).Name) == "CompilerGeneratedAttribute");

    private void AddMethod(MethodDefinitionHandle method)
    {
        MethodDebugInformation information = _lines.GetMethodDebugInformation(method);
        SourcePlace[] all = [.. information.GetSequencePoints().Where(static point => !point.IsHidden)
            .Select(point => new SourcePlace(point.Offset, PathOf(point.Document), point.StartLine))];
        SourcePlace[] places = [.. all.Where(static place => !IsGenerated(place.Path))];
        if (places.Length < all.Length) _generated.Add(method);
        if (places.Length == 0) return;
        _methods[method] = places;
        if (information.GetStateMachineKickoffMethod() is { IsNil: false } start) _methods[start] = places;
        TypeDefinitionHandle type = Outer(_code.GetMethodDefinition(method).GetDeclaringType());
        foreach (SourcePlace place in places) AddType(type, place.Path, place.Line);
    }

    private void AddType(TypeDefinitionHandle type, string path, int line)
    {
        if (!_types.TryGetValue(type, out var files)) _types[type] = files = new(StringComparer.Ordinal);
        files[path] = files.TryGetValue(path, out int first) ? Math.Min(first, line) : line;
    }

    // What the compiler made belongs to the type around it.
    private TypeDefinitionHandle Outer(TypeDefinitionHandle type)
    {
        while (_code.GetTypeDefinition(type).GetDeclaringType() is { IsNil: false } outer && IsMade(type)) type = outer;
        return type;
    }

    // A PDB does not say the file of a type in another one if the type has no code.
    private TypeDefinitionHandle Declared(TypeDefinitionHandle type)
    {
        while (!_types.ContainsKey(type) && _code.GetTypeDefinition(type).GetDeclaringType() is { IsNil: false } outer) type = outer;
        return type;
    }

    private string PathOf(DocumentHandle handle)
    {
        if (!_documents.TryGetValue(handle, out string? path))
            _documents[handle] = path = InRepository(_lines.GetString(_lines.GetDocument(handle).Name).Replace('\\', '/'));
        return path;
    }

    // Release builds write /_/ for the root. A generated overload belongs to the folder of the method that it repeats, so that the rules
    // for folders hold for its users.
    private static string InRepository(string path)
    {
        if (GeneratedOverloads().Match(path) is { Success: true } generated) return $"src/Sluice/{generated.Groups[1].Value}";
        string root = $"{Repository.Root.Replace('\\', '/')}/";
        return path.StartsWith("/_/", StringComparison.Ordinal) ? path[3..]
            : path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..] : path;
    }

    // By the generators of the SDK, which write into the folder of the build.
    private static bool IsGenerated(string path) => path.StartsWith("artifacts/", StringComparison.Ordinal);

    [GeneratedRegex("^<[^>]*>F")]
    private static partial Regex LocalToFile();

    [GeneratedRegex(@"/Sluice\.Walls\.WallGenerator/(.*)$")]
    private static partial Regex GeneratedOverloads();
}
