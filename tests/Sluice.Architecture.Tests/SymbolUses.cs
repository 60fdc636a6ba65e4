using System.Collections.Concurrent;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace Sluice.Architecture.Tests;

/// <summary>
/// A place in the code where a declared thing is used, read from a compiled assembly and its portable PDB. A use in code has the line of
/// its statement. A use in a declaration has the first line that names the type. A use in the signature of a method with code has the
/// line of the first statement.
/// <para>
/// An assembly names no constants and no members of enums, so they are taken from the source by their names (<c>Kind.Some</c>). Not seen
/// are constants by <c>using static</c>, <c>nameof</c>, comments, casts to a base type, the type of a <c>null</c>, conditional attributes,
/// and the code that generators of the SDK write. A call of an override of <c>object</c>, such as <c>ToString</c>, may be seen as a call of
/// the overridden method. Uses that the source does not spell out, such as inferred type arguments, are seen.
/// </para>
/// </summary>
/// <param name="Path">The file.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Symbol">The used type or member, as it was declared.</param>
internal sealed record SymbolUse(string Path, int Line, UsedSymbol Symbol)
{
    private static readonly ConcurrentDictionary<string, Lazy<UsesOfAssembly>> Packages = new();

    /// <summary>Every use in a package of ours, as it was built. Read once for all tests.</summary>
    internal static IReadOnlyList<SymbolUse> InPackage(string name) => OfPackage(name).Uses;

    /// <summary>The files of a package that its PDB names.</summary>
    internal static IReadOnlySet<string> FilesOfPackage(string name) => OfPackage(name).Files;

    /// <summary>Every use in a compilation.</summary>
    internal static IReadOnlyList<SymbolUse> In(CSharpCompilation compilation)
    {
        MemoryStream assembly = new(), symbols = new();
        EmitResult emitted = compilation.WithOptions(compilation.Options.WithOptimizationLevel(OptimizationLevel.Release))
            .Emit(assembly, symbols, options: new(debugInformationFormat: DebugInformationFormat.PortablePdb));
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
        assembly.Position = symbols.Position = 0;
        return Read(assembly, symbols, path => compilation.SyntaxTrees.FirstOrDefault(tree => tree.FilePath == path) is { } tree
            ? new(tree) : null).Uses;
    }

    private static UsesOfAssembly OfPackage(string name) => Packages.GetOrAdd(name, static name => new(() =>
    {
        string? path = Compiler.PathOf(name);
        Assert.True(path is not null, $"This test project does not reference {name}, so its uses cannot be read.");
        return Read(File.OpenRead(path), File.OpenRead(System.IO.Path.ChangeExtension(path, ".pdb")), SourceNames.In);
    })).Value;

    private static UsesOfAssembly Read(Stream assembly, Stream symbols, Func<string, SourceNames?> names)
    {
        using PEReader code = new(assembly);
        using MetadataReaderProvider lines = MetadataReaderProvider.FromPortablePdbStream(symbols);
        return new AssemblyReader(code, lines.GetMetadataReader(), names).Read();
    }
}

/// <summary>A used type or member.</summary>
/// <param name="Type">The type, or the type of the member, with its namespace and without type parameters.</param>
/// <param name="Member">The name of the member: of a property or event, not of its accessor; null for a type.</param>
/// <param name="Parameters">The types of a method's parameters, as <paramref name="Type"/>.</param>
/// <param name="Files">The files that declare it. Empty if another assembly or the compiler does. All files of its type for a member
/// without code, such as a field.</param>
internal sealed record UsedSymbol(string Type, string? Member, IReadOnlyList<string> Parameters, IReadOnlyList<string> Files)
{
    /// <summary>Returns its name for people, without namespaces: a constructor is called as its type.</summary>
    public override string ToString()
    {
        string type = Short(Type);
        return Member is null or ".ctor" or ".cctor" ? type : $"{type}.{Member}";
    }

    private static string Short(string type) => type[(type.LastIndexOf('.') + 1)..];
}

/// <summary>The uses in an assembly, and the files that it was compiled from.</summary>
internal sealed record UsesOfAssembly(IReadOnlyList<SymbolUse> Uses, IReadOnlySet<string> Files);
