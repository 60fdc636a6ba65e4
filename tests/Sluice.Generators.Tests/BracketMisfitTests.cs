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
        static string Parity(int n) => "Twice";
        static string Kind(string word) => word;
        static bool IsEven(int n) => n % 2 == 0;
        static int Length(string word) => word.Length;
        static Task<int> CountAsync(int n) => Task.FromResult(n);
        static readonly Pipe<int, int> p = Pipe.Of<int>() | Twice, q = Pipe.Of<int>() | Twice;
        static readonly Pipe<string, int> lengths = Pipe.Of<string>() | Length;
        static readonly Pipe<int, string> format = Pipe.Of<int>() | Parity;
        static readonly Consecutor<int> consecutor = new("n", source => source | Print);
        sealed class Own { public static implicit operator Sink<int>(Own own) => sink; }
        sealed class Totals : StageNode<int, int>
        {
            protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
                => output.PushAsync(item);
        }
        """;

    [Theory]
    [InlineData("_ = numbers | [Print, [|s => s | Twice | Print|]];", "write '(Source<int> s) => …'")]
    [InlineData("_ = Pipe.Of<int>() | [sink, [|s => s | Twice | sink|]];", "write '(Source<int> s) => …'")]
    [InlineData("_ = numbers | [SaveAsync, [|n => { }|]];", "The ends in these brackets are of several kinds")]
    [InlineData("_ = numbers | [SaveAsync, [|Console.WriteLine|]];", "write '(int item) => Console.WriteLine(item)'")]
    [InlineData("_ = numbers | [sink, [|Show|]];", "write '(int item) => Show(item)'")]
    [InlineData("_ = numbers | [SaveAsync, [|Drop|]];", "'Drop' is overloaded or generic")]
    [InlineData("_ = numbers | [[|[Pipe.Of<int>() | Twice]|]];",
        "a branch that divides its items again is a pipe, 'Pipe.Of<int>() | [Pipe.Of<int>() | Twice]', or a lambda, '(Source<int> s) => s "
            + "| [Pipe.Of<int>() | Twice]'")]
    [InlineData("_ = numbers | [[|[s => s | Twice]|], [s => s | Twice]];", "Brackets in brackets")]
    [InlineData("_ = numbers | [p, [|[q, p]|]] | Print;", "Every branch gets every item, so leave the inner ones out")]
    [InlineData("_ = numbers < [p, [|[q, p]|]] > Print;", "Every branch gets every item, so leave the inner ones out")]
    [InlineData("_ = numbers | [|[]|] | Print;", "There is no branch in these brackets")]
    public Task AnEndThatCannotBeTypedIsReported(string statements, string sentence)
        => Snippet.FindAsync<BracketMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU008", sentence);

    /// <summary>Tests the brackets after <c>|</c> and after <c>&lt;</c>.</summary>
    [Theory]
    [InlineData("[[|lengths|], p]", "'lengths' takes 'string', and 'numbers' puts out 'int'")]
    [InlineData("[p, [|format|]]", "'p' puts out 'int', and 'format' puts out 'string': branches put out one type")]
    [InlineData("[p, [|sink|]]", "'sink' is an end, and 'p' puts out 'int'")]
    [InlineData("[p, [|Print|]]", "'Print' is an end, and 'p' puts out 'int'")]
    [InlineData("[p, [|s => s | Twice|]]", "a branch is a pipe: write 'Pipe.Of<int>() | Twice'")]
    [InlineData("[p, [|(Source<int> s) => s | Twice|]]", "a branch is a pipe: write 'Pipe.Of<int>() | Twice'")]
    [InlineData("[p, [|Pipe.Take(3)|]]", "a branch is a pipe: write 'Pipe.Of<int>() | Pipe.Take(3)'")]
    [InlineData("[p, q, [|Parity|]]",
        "as a branch it is 'Pipe.Of<int>() | Parity', and as the function that chooses among the branches 'Route.By(Parity)'")]
    [InlineData("[[|Twice|], Twice]",
        "'Twice' puts out 'int', so it is no end: write branches, 's => s | Twice' for each, or pipes, 'Pipe.Of<int>() | Twice'")]
    [InlineData("[[|Twice|], Twice, Route.By(Parity)]", "Beside pipes and routers, a branch is a pipe: write 'Pipe.Of<int>() | Twice'")]
    [InlineData("[[|s => s | Twice|], Route.By(Parity)]",
        "Beside a router, a branch is a pipe, 'Pipe.Of<int>() | Twice', and a lambda that ends says what it takes, '(Source<int> s) => …'")]
    [InlineData("[[|(\"a\", p)|], (\"b\", q), Route.By(Parity)]", "write 'Route.By(function, (\"a\", p), …)' in place of the brackets")]
    [InlineData("[p, [|Route.By(Kind)|]]", "'Route.By(Kind)' chooses for items of type 'string', and 'numbers' puts out 'int'")]
    [InlineData("[p, [|Route.By((Converter<int, string>)Parity)|]]", "its function is a Func that takes an item")]
    [InlineData("[p, [|Route.By(IsEven)|]]", "returns the name of a branch ('string') or its index ('int')")]
    [InlineData("[p, [|Route.By(n => n % 2)|]]", "write 'Route.By((int n) => …)'")]
    [InlineData("[p, [|Route.By(Console.WriteLine)|]]", "write 'Route.By((int item) => Console.WriteLine(item))'")]
    [InlineData("[p, [|new Totals()|]]", "'StageNode.Of(() => new Totals())'")]
    [InlineData("[p, [|numbers|]]", "'numbers' is a source, and in brackets stand branches")]
    [InlineData("[p, [|42|]]", "'42' is of type 'int', and in brackets stand branches or ends")]
    [InlineData("[[|consecutor|], consecutor]", "'(Source<int> s) => s | consecutor'")]
    public async Task AnExpressionThatDoesNotFitInBracketsIsReported(string brackets, string sentence)
    {
        foreach (string statement in (string[])[$"_ = numbers | {brackets};", $"_ = Pipe.Of<int>() | {brackets} | Twice;",
            $"_ = numbers < {brackets} > Print;"])
        {
            string before = statement.StartsWith("_ = numbers", StringComparison.Ordinal) ? "numbers" : "Pipe.Of<int>()";
            await Snippet.FindAsync<BracketMisfitAnalyzer>(Snippet.InMethod(statement, Members), "SLU008",
                sentence.Replace("'numbers' puts", $"'{before}' puts", StringComparison.Ordinal));
        }
    }

    [Fact]
    public Task EndsBetweenAngleBracketsAreReported() =>
        Snippet.FindAsync<BracketMisfitAnalyzer>(Snippet.InMethod("_ = numbers < [[|Print|], SaveAsync];", Members), "SLU008",
        "ends are written '… | [Print, …]'");

    [Theory]
    [InlineData("_ = numbers | [p, q, Route.By(Parity)] | Print; _ = numbers < [Route.By(Parity), p, q] > Print; _ = numbers | [Print, "
        + "sink, Route.By((int n) => n % 2)];", true)]
    [InlineData("_ = numbers | [Print, CountAsync, new Own()]; Action<int> end = Print; _ = numbers | [end, sink];", true)]
    [InlineData("_ = numbers | [.. new[] { p, q }] | Print; _ = numbers | [.. new[] { p, q }, Route.By(Parity)] | Print; _ = numbers | [p "
        + "| Stage.Parallel(2), q | Stage.Named(\"q\")] | Print;", true)]
    [InlineData("_ = words | [(string o) => Console.WriteLine(o), Drop<object>, Drop<string>];", true)]
    [InlineData("_ = numbers | [p, Missing] | Print;", false)]
    [InlineData("_ = numbers | [Print, (Source<int> s) => s | Twice | Print];", true)]
    [InlineData("_ = numbers | [SaveAsync, (int item) => Console.WriteLine(item), Drop<int>];", true)]
    [InlineData("_ = numbers | [Show, Console.WriteLine];", true)]
    [InlineData("_ = 1 | [Show, Print];", false)]
    public Task BracketsThatFitOrAreNoStageAreNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<BracketMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU008", compiles: compiles);
}
