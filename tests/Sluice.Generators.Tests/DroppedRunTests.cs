using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators.Tests;

/// <summary>Calls whose run is dropped in an async method. A run cannot be awaited, so "not awaited" would be wrong advice.</summary>
public class DroppedRunTests
{
    [Fact]
    public async Task NotAwaitedIsSuppressedForRunsAndNothingElse()
    {
        var compilation = Snippet.Compile("using Sluice.Flows; " + Snippet.InMethod(
            "Flow(); (numbers | (n => { })).Start(); Work(); await Work();",
            "static FlowRun Flow() => null!; static Task Work() => Task.CompletedTask;", "async Task"));
        Assert.Equal(3, compilation.GetDiagnostics().Count(static report => report.Id == "CS4014"));
        var options = new CompilationWithAnalyzersOptions(new AnalyzerOptions([]), null, concurrentAnalysis: false,
            logAnalyzerExecutionTime: false, reportSuppressedDiagnostics: true);

        var reports = await compilation.WithAnalyzers([new DroppedRunSuppressor()], options).GetAllDiagnosticsAsync();

        var left = Assert.Single(reports, static report => report.Id == "CS4014" && !report.IsSuppressed);
        Assert.Equal("Work()", left.Location.SourceTree!.GetText(TestContext.Current.CancellationToken).ToString(left.Location.SourceSpan));
    }
}
