using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Generators.Tests;

/// <summary>Runs the generator over a source.</summary>
internal static class StepTwins
{
    private static readonly CSharpParseOptions Options = new(LanguageVersion.CSharp14);

    /// <summary>The files that it writes, and what it and then the compiler say.</summary>
    public static (string Text, List<Diagnostic> Reports, List<string> Errors) Write(string source)
    {
        CSharpGeneratorDriver.Create([new StepGenerator().AsSourceGenerator()], parseOptions: Options)
            .RunGeneratorsAndUpdateCompilation(Snippet.Compile(source), out Compilation written, out var reports);
        var files = written.SyntaxTrees.Skip(2).Select(tree => $"// {Path.GetFileName(tree.FilePath)}\n{tree}");
        return (string.Join("\n", files), [.. reports], [.. written.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning).Select(found => found.ToString())]);
    }

    /// <summary>What is written, where nothing is wrong.</summary>
    public static string Of(string source)
    {
        var (text, reports, errors) = Write(source);
        Assert.Empty(reports);
        Assert.True(errors.Count == 0, $"{string.Join('\n', errors)}\n\n{text}");
        return text;
    }
}
