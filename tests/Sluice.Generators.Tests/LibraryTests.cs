using Microsoft.CodeAnalysis.Diagnostics;

namespace Sluice.Generators.Tests;

/// <summary>The rules with the library itself: that it still looks the way they expect.</summary>
public class LibraryTests
{
    private const string Members = """
        static readonly HashSet<int> set = [];
        static string? Find(string word) => null;
        static Task SaveAsync(int n) => Task.CompletedTask;
        static void Print(int n) { }
        """;

    [Theory]
    [InlineData("SLU002", "_ = numbers.Select([|x => SaveAsync(x)|]);", "_ = numbers | SaveAsync;")]
    [InlineData("SLU002", "_ = numbers | (x => { [|SaveAsync(x)|]; });", "_ = numbers | (x => SaveAsync(x));")]
    [InlineData("SLU002", "_ = numbers | [Print, (int x) => { [|SaveAsync(x)|]; }];", "_ = numbers | [Print, SaveAsync];")]
    [InlineData("SLU003", "_ = words | [|Find|];", "_ = words | Find | (word => word ?? \"none\");")]
    [InlineData("SLU003", "_ = words.Select(x => [|Find(x)|]);", "_ = words.Select(x => Find(x) ?? x);")]
    [InlineData("SLU004", "_ = numbers | [|set.Add|];", "_ = numbers | (x => { set.Add(x); });")]
    [InlineData("SLU004", "_ = Pipe.Of<int>() | (x => [|set.Add(x)|]);", "_ = Pipe.Of<int>() | set.Contains;")]
    [InlineData("SLU005", "[|(numbers | Print).Start()|];", "await using var run = (numbers | Print).Start();")]
    [InlineData("SLU005", "var run = [|(numbers | Print).Start(new RunOptions())|]; run.Cancel();",
        "var run = (numbers | Print).Start(ExecutionMode.SingleThread); await run.DrainAsync();")]
    [InlineData("SLU007", "_ = words | (x => x.[|Lenght|]);", "_ = words | (x => x.Length);")]
    [InlineData("SLU007", "_ = numbers | (x => [|Undefined|](x)) | Print;", "_ = numbers | (x => x) | Print;")]
    public async Task EveryRuleSpeaksAboutTheMistakeAndNotAboutItsNeighbour(string id, string mistake, string neighbour)
    {
        DiagnosticAnalyzer analyzer = id switch
        {
            "SLU002" => new ForgottenAwaitAnalyzer(),
            "SLU003" => new NullItemAnalyzer(),
            "SLU004" => new UnmeantBoolAnalyzer(),
            "SLU005" => new UnawaitedRunAnalyzer(),
            _ => new LambdaMisfitAnalyzer(),
        };
        await Snippet.CheckAsync(analyzer, InMethod(mistake, ""), id, Snippet.CompileWithLibrary, compiles: id != "SLU007");
        await Snippet.CheckAsync(analyzer, InMethod(neighbour, "async Task"), id, Snippet.CompileWithLibrary, compiles: true);
    }

    private static string InMethod(string statements, string modifiers) => Snippet.InMethod(statements, Members, modifiers, "Source.From");
}
