using System.Globalization;
using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

public class OperatorNameTests
{
    private const string Members = "static int Twice(int n) => 2 * n; static Pipe<int, int> Doubled() => Pipe.Of<int>() | Twice;";

    [Theory]
    [InlineData("_ = numbers | Twice | [|Where|](n => n > 2) | Console.WriteLine;", "write '(… | Twice).Where(…)', or '| Pipe.Where(…)'")]
    [InlineData("_ = numbers | [|Chunk|](100);", "'| Pipe.Chunk(…)'")]
    [InlineData("_ = numbers | Twice | Stage.Parallel(2) | [|Route|](n => \"a\");", "write '(… | Twice).Route(…)' and go on with '|'")]
    [InlineData("_ = Pipe.Of<int>() | [|Debounce|](TimeSpan.FromSeconds(1));", "'| Pipe.Debounce(…)'")]
    public async Task AnOperatorThatIsWrittenLikeAFunctionIsPointedAt(string statements, string sentence)
    {
        var report = Assert.Single(await Snippet.CheckAsync<OperatorNameAnalyzer>(Snippet.InMethod(statements, Members), "SLU021", compiles: false));
        Assert.Equal(DiagnosticSeverity.Error, report.Severity);
        Assert.Contains(sentence, report.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("_ = (numbers | Twice).Where(n => n > 2) | Pipe.Chunk(3) | Console.WriteLine;", true)]
    [InlineData("_ = numbers | Doubled();", true)]
    [InlineData("_ = numbers | Wheer(n => n > 2);", false)]
    [InlineData("_ = 1 | Where(n => n > 2);", false)]
    public Task WhatIsRightOrUnknownIsSilent(string statements, bool compiles) =>
        Snippet.CheckAsync<OperatorNameAnalyzer>(Snippet.InMethod(statements, Members), "SLU021", compiles: compiles);
}
