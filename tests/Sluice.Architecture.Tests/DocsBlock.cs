using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>A block of C# in a document, with what stands before it in comments that readers do not see.</summary>
/// <param name="Path">The document.</param>
/// <param name="Line">The line of the block's first line of code, from 1.</param>
/// <param name="Code">What readers see.</param>
/// <param name="Preludes">What they do not see, with the lines where it stands.</param>
internal sealed partial record DocsBlock(string Path, int Line, string Code, IReadOnlyList<(int Line, string Code)> Preludes)
{
    /// <summary>The blocks marked <c>```csharp</c> of a document.</summary>
    internal static IEnumerable<DocsBlock> In(string path, string text)
    {
        var shared = new List<(int, string)>();
        (int, string)? own = null;
        foreach (var match in Parts().Matches(text.ReplaceLineEndings("\n")).Cast<Match>())
        {
            if (match.Groups["prelude"] is { Success: true } prelude)
            {
                var code = (LineAt(prelude.Index), prelude.Value);
                if (match.Groups["shared"].Success) shared.Add(code);
                else own = code;
                continue;
            }

            var isCSharp = match.Groups["language"].Value == "csharp";
            if (isCSharp) yield return new(path, LineAt(match.Groups["code"].Index), match.Groups["code"].Value, own is { } it ? [.. shared, it] : [.. shared]);
            own = null;
        }

        int LineAt(int index) => text.AsSpan(0, index).Count('\n') + 1;
    }

    /// <summary>What the compiler says about the block as a program of its own, at the lines of the document; empty when it compiles.</summary>
    internal IReadOnlyList<string> Errors()
    {
        // A program's statements stand before its types, and its usings before both, whatever the order of prelude and block.
        var parts = Preludes.Append((Line, Code))
            .Select(part => CSharpSyntaxTree.ParseText($"#line {part.Item1} \"{Path}\"\n{part.Item2}\n", Compiler.Language).GetCompilationUnitRoot())
            .ToList();
        var usings = parts.SelectMany(part => part.Usings.Select(WithLine));
        var members = parts.SelectMany(part => part.Members).ToList();
        var statements = members.OfType<GlobalStatementSyntax>().ToList();
        var types = members.Where(member => member is not GlobalStatementSyntax).Select(WithLine);
        var program = string.Concat([.. usings, .. statements.Select(WithLine), .. types]);

        var kind = statements.Count > 0 ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        var compilation = Compiler.Compile("Docs", [("Usings.cs", "global using Sluice;"), (Path, program)], kind);
        CSharpGeneratorDriver.Create([new Generators.StepGenerator().AsSourceGenerator()], parseOptions: Compiler.Language)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation written, out var reports);
        return [.. parts.SelectMany(part => part.GetDiagnostics()).Concat(reports).Concat(Compiler.Errors(written))
            .Where(error => error.Severity == DiagnosticSeverity.Error)
            .Select(error => $"{Path}:{error.Location.GetMappedLineSpan().StartLinePosition.Line + 1}: {error.Id} {error.GetMessage()}")
            .Distinct()];
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
