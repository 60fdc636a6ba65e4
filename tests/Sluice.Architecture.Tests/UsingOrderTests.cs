using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Architecture.Tests;

/// <summary>Using directives have the order of `dotnet format`, which takes a minute to say so for the whole solution.</summary>
public class UsingOrderTests
{
    [Fact]
    public void UsingDirectivesAreSortedSystemFirstThenStaticThenAliases()
    {
        var unsorted = new[] { "src", "tests", "samples", "bench", "tools" }.SelectMany(area => Repository.Files(area, "*.cs"))
            .SelectMany(FirstOutOfOrder).ToList();

        Assert.True(unsorted.Count == 0, $"Not in order; run 'dotnet format Sluice.slnx':\n{string.Join('\n', unsorted)}");
    }

    [Theory]
    [InlineData("using Xunit; using System.Text;", "System.Text")]
    [InlineData("using static System.Math; using Sluice;", "Sluice")]
    [InlineData("using S = System.Text; using static System.Math;", "static System.Math")]
    [InlineData("using System.Text; using System;", "System")]
    [InlineData("using System; using A.C; using A.B.D;", "A.B.D")]
    [InlineData("global using Xunit; global using System.Text;", "System.Text")]
    public void AnUnsortedDirectiveIsFound(string directives, string outOfOrder)
        => Assert.Equal(outOfOrder, Assert.Single(OutOfOrder(directives)));

    // Only what stands before the namespace is parsed: here are all usings.
    private static IEnumerable<string> FirstOutOfOrder(string path)
    {
        string source = Repository.Read(path);
        int end = source.IndexOf("\nnamespace ", StringComparison.Ordinal);
        return OutOfOrder(end < 0 ? source : source[..end]).Take(1).Select(name => $"{path}: using {name}");
    }

    private static IEnumerable<string> OutOfOrder(string source)
    {
        var usings = CSharpSyntaxTree.ParseText(source, Compiler.Language).GetCompilationUnitRoot().Usings;
        return usings.Zip(usings.Skip(1)).Where(pair => Compare(pair.First, pair.Second) > 0)
            .Select(pair => (pair.Second.StaticKeyword.Text is "" ? "" : "static ") + pair.Second.NamespaceOrType);
    }

    private static int Compare(UsingDirectiveSyntax first, UsingDirectiveSyntax second)
        => Group(first) != Group(second) ? Group(first).CompareTo(Group(second)) : CompareNames(Key(first), Key(second));

    private static int Group(UsingDirectiveSyntax directive) => (directive.GlobalKeyword.Text is "" ? 10 : 0)
        + (directive.Alias is not null ? 3
        : directive.StaticKeyword.Text is not "" ? 2
        : directive.NamespaceOrType.ToString().Split('.')[0] == "System" ? 0 : 1);

    private static string Key(UsingDirectiveSyntax directive) => directive.Alias?.Name.ToString() ?? directive.NamespaceOrType.ToString();

    private static int CompareNames(string first, string second)
    {
        string[] left = first.Split('.'), right = second.Split('.');
        return left.Zip(right).Select(pair => string.Compare(pair.First, pair.Second, StringComparison.OrdinalIgnoreCase))
            .FirstOrDefault(order => order != 0, left.Length.CompareTo(right.Length));
    }
}
