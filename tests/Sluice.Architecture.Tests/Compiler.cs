using System.Collections.Concurrent;
using System.Reflection;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Sluice.Walls;

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

    private static readonly ConcurrentDictionary<string, MetadataReference> References = new();

    private static readonly ConcurrentDictionary<string, Lazy<CSharpCompilation>> Packages = new();

    /// <summary>The parse options of the sources, with C# 14.</summary>
    internal static CSharpParseOptions Language { get; } = new(LanguageVersion.CSharp14, DocumentationMode.Parse);

    /// <summary>The path of an assembly that this project references, such as "Sluice".</summary>
    internal static string? PathOf(string assembly)
        => Assemblies.FirstOrDefault(path => Path.GetFileNameWithoutExtension(path) == assembly);

    /// <summary>A package's sources, as one compilation. Compiled once for all tests.</summary>
    internal static CSharpCompilation Package(string name) => Packages.GetOrAdd(name, _ => new(() =>
    {
        var sources = Repository.Files($"src/{name}", "*.cs").Concat(LinkedFiles(name)).Select(path => (path, Repository.Read(path)));
        var compilation = Generate(Compile(name, sources, OutputKind.DynamicallyLinkedLibrary));

        // With errors the semantic model would be blind in places. A partial member that a generator writes is none.
        // The declarations only: to bind every body twice takes a minute. SymbolUse finds names that mean nothing.
        var errors = compilation.GetDeclarationDiagnostics().Where(static error => error.Severity == DiagnosticSeverity.Error
            && error.Id is not "CS8795" and not "CS9248").ToList();
        Assert.True(errors.Count == 0, $"src/{name} does not compile in memory:\n{string.Join('\n', errors)}");
        return compilation;
    })).Value;

    /// <summary>The sources of other packages that a package compiles, too.</summary>
    private static IEnumerable<string> LinkedFiles(string name)
        => XDocument.Parse(Repository.Read($"src/{name}/{name}.csproj")).Descendants("Compile")
            .Select(static item => item.Attribute("Include")?.Value).OfType<string>()
            .Where(static path => path.StartsWith("../", StringComparison.Ordinal))
            .Select(static path => $"src/{path[3..]}");

    internal static CSharpCompilation Compile(string name, IEnumerable<(string Path, string Text)> sources, OutputKind kind)
    {
        var trees = sources.Prepend(("ImplicitUsings.cs", ImplicitUsings))
            .Select(source => CSharpSyntaxTree.ParseText(source.Item2, Language, source.Item1));
        var references = Assemblies.Where(path => Path.GetFileNameWithoutExtension(path) != name)
            .Select(path => References.GetOrAdd(path, _ => MetadataReference.CreateFromFile(path)));
        var options = new CSharpCompilationOptions(kind, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable);
        return CSharpCompilation.Create(name, trees, references, options);
    }

    /// <summary>Runs the generators of a build: the SDK's generator of JSON metadata, and tools/Sluice.Walls.</summary>
    private static CSharpCompilation Generate(CSharpCompilation compilation)
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."));
        string? found = Directory.EnumerateFiles(Path.Combine(root, "packs"), "System.Text.Json.SourceGeneration.dll",
            SearchOption.AllDirectories).Order(StringComparer.Ordinal).LastOrDefault();
        Assert.True(found is not null, $"The SDK in {root} has no System.Text.Json.SourceGeneration.dll.");
        IIncrementalGenerator[] generators = [.. Assembly.LoadFrom(found).GetTypes()
            .Where(type => type is { IsAbstract: false } && typeof(IIncrementalGenerator).IsAssignableFrom(type))
            .Select(type => (IIncrementalGenerator)Activator.CreateInstance(type)!)];
        GeneratorDriver driver = CSharpGeneratorDriver.Create(generators.Append(new WallGenerator())
            .Select(GeneratorExtensions.AsSourceGenerator), parseOptions: Language)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation generated, out _);

        // Overloads belong to the folder of the method that they repeat, so that the folder rules hold for their users.
        foreach (GeneratorRunResult walls in driver.GetRunResult()
            .Results.Where(each => each.Generator.GetGeneratorType() == typeof(WallGenerator)))
        {
            Assert.Null(walls.Exception);
            foreach (GeneratedSourceResult wall in walls.GeneratedSources)
                generated = generated.ReplaceSyntaxTree(wall.SyntaxTree, wall.SyntaxTree.WithFilePath($"src/Sluice/{wall.HintName}"));
        }
        return (CSharpCompilation)generated;
    }

    internal static IEnumerable<Diagnostic> Errors(Compilation compilation)
        => compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
}
