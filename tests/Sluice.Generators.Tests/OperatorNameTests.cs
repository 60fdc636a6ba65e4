namespace Sluice.Generators.Tests;

public class OperatorNameTests
{
    private const string Members =
        "static int Twice(int n) => 2 * n; static Pipe<int, int> Doubled() => Pipe.Of<int>() | Twice; static readonly Pipe<int, int> p = "
        + "Doubled(); static string Parity(int n) => \"\";";

    [Theory]
    [InlineData("_ = numbers | Twice | [|Where|](n => n > 2) | Console.WriteLine;", "write '(… | Twice).Where(…)', or '| Pipe.Where(…)'")]
    [InlineData("_ = numbers | [|Chunk|](100);", "'| Pipe.Chunk(…)'")]
    [InlineData("_ = numbers | Twice | Stage.Parallel(2) | [|Route|](n => \"a\");",
        "write '(… | Twice).Route(…)', or '| Route.By(…)' with branches that are pipes")]
    [InlineData("_ = numbers | Pipe.[|Route|](Parity, (\"even\", p));",
        "write 'numbers.Route(…)', or '| Route.By(…)' with branches that are pipes")]
    [InlineData("_ = numbers | Route.[|By|](Parity, (\"even\", s => s));", "are pipes that take one type and put out one type")]
    [InlineData("_ = numbers < Route.[|By|](Parity, p, p) > Twice;", "beside names if its function returns a 'string'")]
    [InlineData("_ = numbers | [|Join|](numbers, n => n, n => n, (a, b) => a + b);", "write 'numbers.Join(…)', or '| Pipe.Join(…)'")]
    [InlineData("_ = numbers | [|Broadcast|](p, p);", "write 'numbers.Broadcast(…)' and go on with '|'")]
    [InlineData("_ = numbers | Pipe.[|Broadcast|](p, p);", "write 'numbers.Broadcast(…)' and go on with '|'")]
    [InlineData("_ = [|Merge|](p, p) | Twice;", "write 'Pipe.Merge(…)' of pipes, or 'Source.Merge(…)' of sources")]
    [InlineData("_ = [|merge|](numbers, numbers) | Twice;", "'Source.Merge(…)' of sources")]
    [InlineData("_ = numbers | Twice | [|Parallel|](4);", "'Parallel' is an annotation: write '| Stage.Parallel(…)'")]
    [InlineData("_ = numbers | Twice | [|OnError|](ErrorPolicy.DeadLetter);", "write '| Stage.OnError(…)'")]
    [InlineData("_ = numbers | Pipe.[|TakeWhile|](n => n < 3);", "write the types of parameters, '(int item) => …'")]
    [InlineData("_ = numbers | Pipe.[|Join|](numbers, n => n, n => n, (a, b) => a + b);", "or use the method, 'numbers.Join(…)'")]
    [InlineData("_ = Pipe.Of<int>() | [|Debounce|](TimeSpan.FromSeconds(1));", "'| Pipe.Debounce(…)'")]
    public Task AnOperatorWrittenLikeAFunctionIsReported(string statements, string sentence)
        => Snippet.FindAsync<OperatorNameAnalyzer>(Snippet.InMethod(statements, Members), "SLU021", sentence);

    [Theory]
    [InlineData("_ = (numbers | Twice).Where(n => n > 2) | Pipe.Chunk(3) | Console.WriteLine;", true)]
    [InlineData("_ = numbers | Doubled();", true)]
    [InlineData("_ = numbers | Route.By(Parity, (\"even\", p)) | Pipe.Join(numbers, (int n) => n, n => n, (a, b) => a + b) ;", true)]
    [InlineData("_ = Missing(p, p) | Twice;", false)]
    [InlineData("_ = numbers | Wheer(n => n > 2);", false)]
    [InlineData("_ = 1 | Where(n => n > 2);", false)]
    public Task ACorrectOrUnknownOperatorIsNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<OperatorNameAnalyzer>(Snippet.InMethod(statements, Members), "SLU021", compiles: compiles);
}
