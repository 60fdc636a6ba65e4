namespace Sluice.Generators.Tests;

public class NoSourceTests
{
    private const string Members = """
        static int Twice(int n) => 2 * n;
        static void Print(int n) { }
        static readonly int[] array = [1, 2];
        static readonly List<int> list = [1, 2];
        static IAsyncEnumerable<int> feed = AsyncEnumerable.Empty<int>();
        static readonly Pipe<int, int> twice = Pipe.Of<int>() | Twice;
        """;

    [Theory]
    [InlineData("_ = [|array|] | Twice | Print;", "'array' is no source: write 'Source.From(array) | …'")]
    [InlineData("_ = [|list|] | (n => n + 1) | Print;", "write 'Source.From(list) | …'")]
    [InlineData("_ = [|Enumerable.Range(1, 10)|] | twice;", "write 'Source.From(Enumerable.Range(1, 10)) | …'")]
    [InlineData("_ = [|feed|] | Print;", "write 'Source.From(feed) | …'")]
    [InlineData("_ = [|await numbers|] | Print;",
        "'await' takes 'numbers' before '|' does: put the chain in parentheses, 'await (numbers | …).RunAsync()'")]
    [InlineData("_ = [|Twice|] | Print;", "('Pipe.Of<int>() | Twice | …')")]
    [InlineData("_ = [|[Print, Print]|] | twice;", "Brackets at the beginning have no items")]
    [InlineData("_ = [|[twice, twice]|] | twice;", "write 'Pipe.Merge(twice, twice) | …', which merges what comes out")]
    [InlineData("_ = [|[numbers, numbers]|] | Print;", "write 'Source.Merge(numbers, numbers) | …'")]
    [InlineData("_ = [|(twice, twice)|] | Twice;", "write 'Pipe.Merge(twice, twice) | …'")]
    [InlineData("var pipes = new List<Pipe<int, int>>(); _ = [|pipes|] | Twice;", "write 'Pipe.Merge(pipes) | …'")]
    [InlineData("var sources = new[] { numbers }; _ = [|sources|] | Twice;", "write 'Source.Merge(sources) | …'")]
    public Task AnInvalidBeginningOfAChainIsReported(string statements, string sentence)
        => Snippet.FindAsync<NoSourceAnalyzer>(Snippet.InMethod(statements, Members), "SLU020", sentence);

    [Theory]
    [InlineData("_ = Source.From(array) | Twice | Print;", true)]
    [InlineData("_ = feed | new Consecutor<int>(\"n\", source => source | Print);", true)]
    [InlineData("_ = true | false; _ = BindingFlags.Public | BindingFlags.Static;", true)]
    [InlineData("_ = Pipe.Merge(twice, twice) | twice | Print; _ = Source.Merge(numbers, numbers) | Print;", true)]
    [InlineData("_ = list | 3;", false)]
    [InlineData("_ = numbers | Missing;", false)]
    [InlineData("_ = \"text\" | Twice;", false)]
    public Task AValidBeginningOrNoChainIsNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<NoSourceAnalyzer>("using System.Reflection;\n" + Snippet.InMethod(statements, Members), "SLU020",
        compiles: compiles);
}
