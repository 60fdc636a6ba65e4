using System.Globalization;
using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

public class NullStateTests
{
    private const string Process = "protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken token)";

    [Theory]
    [InlineData("sealed class [|Totals|] : StatefulStageNode<int, int, List<int>> { PROCESS => default; }", "type is 'List<int>'")]
    [InlineData("sealed class [|Names|] : StatefulStageNode<int, int, string> { PROCESS => default; }",
        "or, if null is meant, let the state be a 'string?'")]
    [InlineData("abstract class Part : StatefulStageNode<int, int, string>; sealed class [|Whole|] : Part { PROCESS => default; }",
        "'string'")]
    public async Task AStateThatBeginsAsNullIsReportedAtTheName(string classes, string sentence)
    {
        Diagnostic report = Assert.Single(await Snippet.CheckAsync<NullStateAnalyzer>(Classes(classes), "SLU032"));
        Assert.Equal(DiagnosticSeverity.Warning, report.Severity);
        Assert.Contains(sentence, report.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sealed class Totals : StatefulStageNode<int, int, int> { PROCESS => default; }")]
    [InlineData("sealed class Totals : StatefulStageNode<int, int, string?> { PROCESS => default; }")]
    [InlineData("sealed class Totals : StatefulStageNode<int, int, string> { PROCESS => default; protected override string "
        + "InitialState(string key) => key; }")]
    [InlineData("class Part : StatefulStageNode<int, int, string> { PROCESS => default; protected override string InitialState(string key) "
        + "=> key; } sealed class Whole : Part;")]
    [InlineData("abstract class Part : StatefulStageNode<int, int, string>;")]
    public Task AStateWithABeginningIsNotReported(string classes) => Snippet.CheckAsync<NullStateAnalyzer>(Classes(classes), "SLU032");

    private static string Classes(string classes) => "using Sluice;\n" + classes.Replace("PROCESS", Process, StringComparison.Ordinal);
}
