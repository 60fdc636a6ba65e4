using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators.Tests;

/// <summary>Futures of non-nullable types, passed to a step of <c>Step.Of</c> with nullable parameters.</summary>
public class NullableFutureTests
{
    private const string Members = """
        static readonly Step<int?, string> show = Step.Of((int? n) => $"{n}");
        static readonly StepAction<string?, DayOfWeek?> log = Step.Of((string? text, DayOfWeek? day) => { });
        static readonly Step<int?, int, int> add = Step.Of((int? n, int m) => m);
        static readonly Future<int> number = Step.Of(() => 1)();
        static readonly Future<string> text = Step.Of(() => "text")();
        static readonly Future<DayOfWeek> day = Step.Of(() => DayOfWeek.Monday)();
        """;

    [Theory]
    [InlineData("show([|number|]);", "The step takes 'int?', and 'number' is the future of 'int': write 'number.As<int?>()'")]
    [InlineData("show([|Task.FromResult(1)|]);", "write '((Future<int>)Task.FromResult(1)).As<int?>()'")]
    [InlineData("add(second: 1, first: [|number|]);", "write 'number.As<int?>()'")]
    [InlineData("log(\"a\", [|day|]);", "write 'day.As<DayOfWeek?>()'")]
    public Task TheMessageNamesTheConversionToWrite(string statements, string sentence)
        => Snippet.FindAsync<NullableArgumentAnalyzer>(Snippet.InMethod(statements, Members), "SLU030", sentence);

    [Theory]
    [InlineData("show(1); show((int?)null); show(number.As<int?>()); show(((Future<int>)Task.FromResult(1)).As<int?>()); log(\"a\", "
        + "day.As<DayOfWeek?>());", true)]
    [InlineData("add(second: number, first: 1);", true)]
    [InlineData("show(text);", false)]
    public Task AFittingOrUnrelatedArgumentIsNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<NullableArgumentAnalyzer>(Snippet.InMethod(statements, Members), "SLU030", compiles: compiles);

    [Fact]
    public async Task TheNullabilityWarningForFuturesIsSuppressed()
    {
        var compilation = Snippet.Compile(Snippet.InMethod(
            "log(text, DayOfWeek.Friday); log(Task.FromResult(\"a\"), DayOfWeek.Friday); List<string?> other = new List<string>();",
                Members));
        Assert.Equal(2, compilation.GetDiagnostics().Count(report => report.Id == "CS8620"));
        var options = new CompilationWithAnalyzersOptions(new AnalyzerOptions([]), null, concurrentAnalysis: false,
            logAnalyzerExecutionTime: false, reportSuppressedDiagnostics: true);
        var reports = await compilation.WithAnalyzers([new NullableFutureSuppressor()], options).GetAllDiagnosticsAsync();
        Assert.All(reports.Where(report => report.Id == "CS8620"), report => Assert.True(report.IsSuppressed));
        Assert.Contains(reports, report => report.Id == "CS8619" && !report.IsSuppressed);
    }

    /// <summary>What may be null, where it may not be: that warning stays.</summary>
    [Fact]
    public async Task TheNullabilityWarningInTheOtherDirectionIsNotSuppressed()
    {
        var compilation = Snippet.Compile(Snippet.InMethod("use(maybe); use(Task.FromResult<string?>(null)); all(maybes); each(lists);", """
            static readonly StepAction<string> use = Step.Of((string text) => { });
            static readonly StepAction<List<string>> all = Step.Of((List<string> texts) => { });
            static readonly StepAction<List<string>?> each = Step.Of((List<string>? texts) => { });
            static readonly Future<string?> maybe = Step.Of(() => (string?)null)();
            static readonly Future<List<string?>> maybes = Step.Of(() => new List<string?>())();
            static readonly Future<List<string?>> lists = Step.Of(() => new List<string?>())();
            """));
        Assert.Equal(4, compilation.GetDiagnostics().Count(report => report.Id == "CS8620"));
        var options = new CompilationWithAnalyzersOptions(new AnalyzerOptions([]), null, concurrentAnalysis: false,
            logAnalyzerExecutionTime: false, reportSuppressedDiagnostics: true);
        var reports = await compilation.WithAnalyzers([new NullableFutureSuppressor()], options).GetAllDiagnosticsAsync();
        Assert.Equal(4, reports.Count(report => report.Id == "CS8620" && !report.IsSuppressed));
    }
}
