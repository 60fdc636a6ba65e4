using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>A block of C# in a document, with the preludes before it in hidden comments.</summary>
/// <param name="Path">The document.</param>
/// <param name="Line">The line of the block's first line of code, from 1.</param>
/// <param name="Code">The visible code.</param>
/// <param name="Preludes">The hidden code before it, with its lines.</param>
internal sealed partial record DocsBlock(string Path, int Line, string Code, IReadOnlyList<(int Line, string Code)> Preludes)
{
    private const string Usings =
        "global using Sluice; global using Sluice.Graphs; global using Sluice.Flows; global using Sluice.Storage; global using "
        + "Sluice.Topologies; "
        + "global using Sluice.Diagnostics;";

    private static readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<DocsBlock>>> Files = new();

    private (Compilation, IEnumerable<Diagnostic>)? _asItIs;

    // Also those of the Web SDK.
    private static readonly HashSet<string> Implicit =
    [
        "Sluice", "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Net.Http.Json",
        "System.Threading", "System.Threading.Tasks", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Routing", "Microsoft.Extensions.Configuration",
        "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging",
    ];

    /// <summary>
    /// The output of the block as a program: one text for each run, from the blocks marked <c>```text output</c> below it.
    /// </summary>
    internal List<DocsOutput> Outputs { get; } = [];

    /// <summary>Newcomers copy from these documents, so each block shows its own usings.</summary>
    internal bool IsStrict => Path is "README.md" or "docs/getting-started.md"
        || Path.StartsWith("docs/guides/", StringComparison.Ordinal) || Path.StartsWith("docs/coming-from/", StringComparison.Ordinal);

    /// <summary>The blocks marked <c>```csharp</c> of a document.</summary>
    internal static IEnumerable<DocsBlock> In(string path, string text)
    {
        text = text.ReplaceLineEndings("\n");
        List<DocsBlock> blocks = [];
        var shared = new List<(int, string)>();
        (int, string)? own = null;
        foreach (var match in Parts().Matches(text).Cast<Match>())
        {
            if (match.Groups["prelude"] is { Success: true } prelude)
            {
                var code = (LineAt(prelude.Index), prelude.Value);
                if (match.Groups["shared"].Success) shared.Add(code);
                else own = code;
                continue;
            }

            Group block = match.Groups["code"];
            string language = match.Groups["language"].Value.Trim();
            if (language == "csharp")
                blocks.Add(new(path, LineAt(block.Index), block.Value, own is { } it ? [.. shared, it] : [.. shared]));
            else if (language is "text output" or "text output killed")
                blocks[^1].Outputs.Add(new(block.Index, block.Value, IsKilled: language == "text output killed"));
            own = null;
        }
        return blocks;

        int LineAt(int index) => text.AsSpan(0, index).Count('\n') + 1;
    }

    /// <summary>The blocks of a document of the repository. Read once for all tests, so that each block is compiled once.</summary>
    internal static IReadOnlyList<DocsBlock> Of(string path)
        => Files.GetOrAdd(path, static path => new(() => [.. In(path, Repository.Read(path))])).Value;

    /// <summary>The compiler errors in the block as a separate program, with the lines of the document; empty if it compiles.</summary>
    internal IReadOnlyList<string> Errors()
    {
        var (program, others) = AsItIs();
        return [.. others.Concat(Compiler.Errors(program))
            .Where(error => error.Severity == DiagnosticSeverity.Error)
            .Select(error => $"{Path}:{error.Location.GetMappedLineSpan().StartLinePosition.Line + 1}: {error.Id} {error.GetMessage()}")
            .Distinct()];
    }

    /// <summary>The block as a separate program, with the output of the generators.</summary>
    /// <param name="change">Changes its text, such as the number of a port.</param>
    /// <param name="others">The errors that were found before compilation.</param>
    internal Compilation Compile(Func<string, string> change, out IEnumerable<Diagnostic> others)
    {
        // A program's statements stand before its types, and its usings before both, whatever the order of prelude and block.
        var parts = Preludes.Append((Line, change(Code)))
            .Select(part => CSharpSyntaxTree.ParseText($"#line {part.Item1} \"{Path}\"\n{part.Item2}\n", Compiler.Language)
            .GetCompilationUnitRoot())
            .ToList();
        var usings = parts.SelectMany(part => part.Usings.Select(WithLine));
        var members = parts.SelectMany(part => part.Members).ToList();
        var statements = members.OfType<GlobalStatementSyntax>().ToList();
        var types = members.Where(member => member is not GlobalStatementSyntax).Select(WithLine);
        var program = string.Concat([.. usings, .. statements.Select(WithLine), .. types]);

        var kind = statements.Count > 0 ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        (string, string)[] hidden = IsStrict ? [] : [("Usings.cs", Usings)];
        var compilation = Compiler.Compile("Docs", [.. hidden, (Path, program)], kind);
        CSharpGeneratorDriver.Create([new Generators.StepGenerator().AsSourceGenerator()], parseOptions: Compiler.Language)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation written, out var reports);
        others = [.. parts.SelectMany(part => part.GetDiagnostics()), .. reports];
        return written;
    }

    /// <summary>The namespaces whose types and extension methods the visible code uses, without those that need no using.</summary>
    internal IReadOnlyList<string> Namespaces()
    {
        Compilation program = AsItIs().Program;
        SyntaxTree tree = program.SyntaxTrees.Single(tree => tree.FilePath == Path);
        SemanticModel model = program.GetSemanticModel(tree);
        int end = Line + Code.Count('\n');
        return [.. tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>()
            .Where(name => !name.IsVar && name.Parent is not QualifiedNameSyntax and not UsingDirectiveSyntax && IsVisible(name)
                && !(name.Parent is MemberAccessExpressionSyntax full && model.GetSymbolInfo(full.Expression).Symbol is INamespaceSymbol))
            .Select(name => NamespaceOf(model.GetSymbolInfo(name).Symbol)).OfType<string>()
            .Where(static name => !Implicit.Contains(name)).Distinct().Order(StringComparer.Ordinal)];

        bool IsVisible(SyntaxNode node)
        {
            FileLinePositionSpan at = node.GetLocation().GetMappedLineSpan();
            return at.Path == Path && at.StartLinePosition.Line + 1 is var line && line >= Line && line < end;
        }
    }

    // Without warnings about null, which take the compiler a third of its time.
    private (Compilation Program, IEnumerable<Diagnostic> Others) AsItIs()
    {
        if (_asItIs is { } known) return known;
        Compilation program = Compile(static code => code, out var others);
        var options = ((CSharpCompilation)program).Options.WithNullableContextOptions(NullableContextOptions.Annotations);
        return (_asItIs = (program.WithOptions(options), others)).Value;
    }

    private static string? NamespaceOf(ISymbol? symbol)
    {
        INamedTypeSymbol? type = symbol switch
        {
            INamedTypeSymbol { ContainingType: null } named => named,
            IMethodSymbol { MethodKind: MethodKind.Constructor } made => made.ContainingType,
            IMethodSymbol { IsExtensionMethod: true } extension => extension.ContainingType,
            { ContainingType.IsExtension: true } extension => extension.ContainingType,
            _ => null,
        };
        return type?.ContainingNamespace is { IsGlobalNamespace: false } space ? space.ToDisplayString() : null;
    }

    private static string WithLine(SyntaxNode node)
    {
        var at = node.GetLocation().GetMappedLineSpan();
        return $"\n#line {at.StartLinePosition.Line + 1} \"{at.Path}\"\n{node}\n";
    }

    [GeneratedRegex(@"<!--\s*prelude(?<shared> of this file)?:(?<prelude>.*?)-->|^[ ]*```(?<language>[^\n`]*)\n(?<code>.*?)^[ ]*```[ ]*$",
        RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Parts();
}

/// <summary>The output of one run of a program, as a document shows it.</summary>
/// <param name="Index">Where the text begins in the document.</param>
/// <param name="Text">The text.</param>
/// <param name="IsKilled">The program kills itself in this run.</param>
internal sealed record DocsOutput(int Index, string Text, bool IsKilled);
