using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Sluice.Generators.Tests;

/// <summary>
/// Compiles a few statements against the library. Marks <c>[|like this|]</c> show where a diagnostic is expected; elsewhere there must be
/// none.
/// </summary>
internal static class Snippet
{
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions Options = new(LanguageVersion.CSharp14);

    private static readonly ImmutableArray<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is var name
                && (name.StartsWith("System.", StringComparison.Ordinal) || name is "netstandard.dll" or "mscorlib.dll"))
            .Append(typeof(PipelineRun).Assembly.Location)
            .Append(typeof(PostgreSql.TransactionSends).Assembly.Location)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>A class with the statements in a method, and the members around it.</summary>
    public static string InMethod(string statements, string members = "", string modifiers = "") => $$"""
        using Sluice; using Sluice.Graphs;
        static class Snippet
        {
            static readonly Source<int> numbers = Source.From(new[] { 1, 2, 3 });
            static readonly Source<string> words = Source.From(new[] { "one", "two" });
            {{members}}
            static {{(modifiers.Length == 0 ? "void" : modifiers)}} Method()
            {
                {{statements}}
            }
        }
        """;

    public static CSharpCompilation Compile(
        string source, bool nullable = true, OutputKind kind = OutputKind.DynamicallyLinkedLibrary) => CSharpCompilation.Create("Snippet",
        [Parse(Usings), Parse(source)], References,
        new CSharpCompilationOptions(kind)
            .WithNullableContextOptions(nullable ? NullableContextOptions.Enable : NullableContextOptions.Disable));

    /// <summary>Runs the analyzer over marked source. The diagnostics must be exactly at the marks.</summary>
    public static async Task<ImmutableArray<Diagnostic>> CheckAsync<TAnalyzer>(
        string marked, string id, bool nullable = true, OutputKind kind = OutputKind.DynamicallyLinkedLibrary, bool compiles = true)
        where TAnalyzer : DiagnosticAnalyzer, new()
    {
        var (source, expected) = Unmark(marked);
        var compilation = Compile(source, nullable, kind);
        var errors = Errors(compilation).Select(found => found.ToString());
        if (compiles) Assert.Empty(errors);
        else Assert.NotEmpty(errors);

        var reports = await compilation.WithAnalyzers([new TAnalyzer()]).GetAnalyzerDiagnosticsAsync();
        Assert.Equal(
            expected.Select(span => $"{id} {source.Substring(span.Start, span.Length)} at {span.Start}"),
            reports.OrderBy(report => report.Location.SourceSpan.Start)
                .Select(report => $"{report.Id} {TextAt(report.Location)} at {report.Location.SourceSpan.Start}"));
        return reports;
    }

    /// <summary>The analyzer reports one error, at the mark, in source that does not compile; its message contains the sentence.</summary>
    public static async Task FindAsync<TAnalyzer>(string marked, string id, string sentence)
        where TAnalyzer : DiagnosticAnalyzer, new()
    {
        var report = Assert.Single(await CheckAsync<TAnalyzer>(marked, id, compiles: false));
        Assert.Equal(DiagnosticSeverity.Error, report.Severity);
        Assert.Contains(sentence, report.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    public static IEnumerable<Diagnostic> Errors(Compilation compilation) =>
        compilation.GetDiagnostics().Where(found => found.Severity == DiagnosticSeverity.Error);

    private static string TextAt(Location location) =>
        location.SourceTree?.GetText().ToString(location.SourceSpan) ?? location.ToString();

    private static SyntaxTree Parse(string source) => CSharpSyntaxTree.ParseText(source, Options);

    private static (string Source, List<TextSpan> Marks) Unmark(string marked)
    {
        var marks = new List<TextSpan>();
        for (int start; (start = marked.IndexOf("[|", StringComparison.Ordinal)) >= 0;)
        {
            marked = marked.Remove(start, 2);
            var end = marked.IndexOf("|]", start, StringComparison.Ordinal);
            marked = marked.Remove(end, 2);
            marks.Add(TextSpan.FromBounds(start, end));
        }

        return (marked, marks);
    }
}
