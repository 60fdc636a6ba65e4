using System.Collections.Concurrent;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Architecture.Tests;

/// <summary>Compiles sources in memory, against everything this test project references.</summary>
internal static class Compiler
{
    internal const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;

        """;

    private static readonly IReadOnlyList<string> Assemblies =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    private static readonly ConcurrentDictionary<string, PortableExecutableReference> References = new();

    // Compilations that are made of one have its references, which takes most of the time of a small compilation.
    private static readonly ConcurrentDictionary<(string Name, OutputKind Kind), CSharpCompilation> Empty = new();

    private static readonly ConcurrentDictionary<string, Lazy<SyntaxTree>> Trees = new();

    /// <summary>The parse options of the sources, with C# 14.</summary>
    internal static CSharpParseOptions Language { get; } = new(LanguageVersion.CSharp14, DocumentationMode.Parse);

    private static readonly SyntaxTree ImplicitTree
        = CSharpSyntaxTree.ParseText(ImplicitUsings, Language, "ImplicitUsings.cs", Encoding.UTF8);

    /// <summary>The path of an assembly that this project references, such as "Sluice".</summary>
    internal static string? PathOf(string assembly)
        => Assemblies.FirstOrDefault(path => Path.GetFileNameWithoutExtension(path) == assembly);

    /// <summary>A file of the repository, parsed. Parsed once for all tests.</summary>
    internal static SyntaxTree Tree(string path) => Trees.GetOrAdd(path, static path => new(()
        => CSharpSyntaxTree.ParseText(Repository.Read(path), Language, path))).Value;

    /// <summary>A package of ours as it was built, with its internals and without its code.</summary>
    internal static IAssemblySymbol Built(string name)
    {
        PortableExecutableReference built = ReferenceTo(PathOf(name)!);
        CSharpCompilation reader = Compile("Reader", [], OutputKind.DynamicallyLinkedLibrary);
        return (IAssemblySymbol)reader.WithOptions(reader.Options.WithMetadataImportOptions(MetadataImportOptions.All))
            .GetAssemblyOrModuleSymbol(built)!;
    }

    internal static CSharpCompilation Compile(string name, IEnumerable<(string Path, string Text)> sources, OutputKind kind)
        => Empty.GetOrAdd((name, kind), static about => CSharpCompilation.Create(about.Name, [ImplicitTree],
            Assemblies.Where(path => Path.GetFileNameWithoutExtension(path) != about.Name).Select(ReferenceTo),
            new(about.Kind, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable)))
            .AddSyntaxTrees(sources.Select(static source
                => CSharpSyntaxTree.ParseText(source.Text, Language, source.Path, Encoding.UTF8)));

    private static PortableExecutableReference ReferenceTo(string path)
        => References.GetOrAdd(path, static path => MetadataReference.CreateFromFile(path));

    internal static IEnumerable<Diagnostic> Errors(Compilation compilation)
        => compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
}
