using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Sluice.Architecture.Tests;

/// <summary>A file holds one idea and can be read in one sitting.</summary>
public class FileSizeTests
{
    private const int Longest = 300;
    private const int MedianBelow = 120;
    private const int Columns = 140;

    private static readonly string[] Areas = ["src", "tests", "samples", "bench", "tools"];

    private static IEnumerable<string> PythonFiles => Areas.Append("clients").SelectMany(static area => Repository.Files(area, "*.py"));

    [Fact]
    public void NoFileIsLongerThanThreeHundredLines()
    {
        var tooLong = Areas.SelectMany(Sizes).Concat(PythonFiles.Select(Size))
            .Where(file => file.Lines > Longest)
            .OrderByDescending(file => file.Lines)
            .Select(file => $"{file.Path}: {file.Lines} lines")
            .ToList();

        Assert.True(tooLong.Count == 0, $"Longer than {Longest} lines; split them by idea:\n{string.Join('\n', tooLong)}");
    }

    /// <summary>
    /// Lines that cannot be divided are excepted: text of several lines, an expression in a string, a reference in documentation.
    /// </summary>
    [Fact]
    public void NoLineIsLongerThanOneHundredAndFortyColumns()
    {
        var tooLong = Areas.SelectMany(area => Repository.Files(area, "*.cs")).SelectMany(TooLong)
            .Concat(PythonFiles.SelectMany(TooLongInPython)).ToList();

        Assert.True(tooLong.Count == 0, $"Longer than {Columns} columns:\n{string.Join('\n', tooLong)}");
    }

    [Fact]
    public void TheDurableSampleIsReadAtAGlance() => Assert.InRange(Size("samples/Durable/Program.cs").Lines, 1, 40);

    [Fact]
    public void TheMedianFileOfTheLibraryIsShort()
    {
        var sizes = Sizes("src").Select(file => file.Lines).Order().ToList();

        Assert.InRange(sizes[sizes.Count / 2], 1, MedianBelow - 1);
    }

    private static IEnumerable<string> TooLong(string path)
    {
        var text = SourceText.From(Repository.Read(path));
        var lines = text.Lines.Where(line => line.Span.Length > Columns).ToList();
        if (lines.Count == 0) return [];
        SyntaxNode root = CSharpSyntaxTree.ParseText(text, Compiler.Language).GetRoot();
        return lines.Where(line => !CannotBeDivided(root, line))
            .Select(line => $"{path}:{line.LineNumber + 1}: {line.Span.Length} columns");
    }

    private static IEnumerable<string> TooLongInPython(string path)
        => Repository.Read(path).Split('\n').Index().Where(static line => line.Item.Length > Columns)
            .Select(line => $"{path}:{line.Index + 1}: {line.Item.Length} columns");

    private static bool CannotBeDivided(SyntaxNode root, TextLine line)
    {
        string text = line.ToString().Trim();
        if (text.StartsWith("///", StringComparison.Ordinal)) return text.Contains("cref=", StringComparison.Ordinal);
        return root.DescendantTokens(line.Span).Any(token => IsText(token) && Spans(token.Span, line))
            || root.DescendantNodes(line.Span).Any(node => node is InterpolatedStringExpressionSyntax
                && (Spans(node.Span, line) || node.Span.Length > Columns / 2));
    }

    private static bool Spans(TextSpan text, TextLine line) => text.Start < line.Start || text.End > line.End;

    private static bool IsText(SyntaxToken token)
        => token.Kind() is SyntaxKind.StringLiteralToken or SyntaxKind.SingleLineRawStringLiteralToken
        or SyntaxKind.MultiLineRawStringLiteralToken or SyntaxKind.InterpolatedStringTextToken;

    private static IEnumerable<(string Path, int Lines)> Sizes(string area)
        => Repository.Files(area, "*.cs").Select(Size);

    private static (string Path, int Lines) Size(string path) => (path, Repository.Read(path).AsSpan().TrimEnd('\n').Count('\n') + 1);
}
