using System.Globalization;
using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

public class BracketMisfitTests
{
    private const string Members = """
        static int Twice(int n) => 2 * n;
        static void Print(int n) { }
        static void Show(int n) { }
        static void Show(string word) { }
        static Task SaveAsync(int n) => Task.CompletedTask;
        static void Drop<T>(T item) { }
        static readonly Sink<int> sink = Sink.Of<int>(Print);
        """;

    [Theory]
    [InlineData("_ = numbers | [Print, [|s => s | Twice | Print|]];", "write '(Source<int> s) => …'")]
    [InlineData("_ = Pipe.Of<int>() | [sink, [|s => s | Twice | sink|]];", "write '(Source<int> s) => …'")]
    [InlineData("_ = numbers | [SaveAsync, [|n => { }|]];", "")]
    [InlineData("_ = numbers | [SaveAsync, [|Console.WriteLine|]];", "write '(int item) => Console.WriteLine(item)'")]
    [InlineData("_ = numbers | [sink, [|Show|]];", "write '(int item) => Show(item)'")]
    [InlineData("_ = numbers | [SaveAsync, [|Drop|]];", "'Drop' is overloaded or generic")]
    [InlineData("_ = numbers | [[|[Pipe.Of<int>() | Twice]|]];", "Brackets in brackets have no type: a branch that divides its items again is a lambda, '(Source<int> s) => s | [Pipe.Of<int>() | Twice]'")]
    [InlineData("_ = numbers | [[|[s => s | Twice]|], [s => s | Twice]];", "Brackets in brackets")]
    public async Task TheEndWithoutATypeIsPointedAt(string statements, string sentence)
    {
        var report = Assert.Single(await Snippet.CheckAsync<BracketMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU008", compiles: false));
        Assert.Equal(DiagnosticSeverity.Error, report.Severity);
        Assert.Contains(sentence, report.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("_ = numbers | [Print, (Source<int> s) => s | Twice | Print];", true)]
    [InlineData("_ = numbers | [SaveAsync, (int item) => Console.WriteLine(item), Drop<int>];", true)]
    [InlineData("_ = numbers | [Show, Console.WriteLine];", true)]
    [InlineData("_ = 1 | [Show, Print];", false)]
    public Task WhatFitsOrIsNoStageIsSilent(string statements, bool compiles) =>
        Snippet.CheckAsync<BracketMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU008", compiles: compiles);
}
