namespace Sluice.Generators.Tests;

public class WiringTests
{
    private const string Members = """
        static void Print(int n) { }
        static int Twice(int n) => 2 * n;
        static readonly Consecutor<int> first = new("first", source => source | Sink.Output<int>("a")), second = new("second", source => source | Print);
        static readonly ConsecutorOutput<int> output = first.Output<int>("a");
        static readonly Pipe<int, int> p = Pipe.Of<int>() | Twice;
        """;

    [Theory]
    [InlineData("_ = [|output | second|];", "write 'output.To(second)'")]
    [InlineData("_ = [|first.Output<int>(\"a\") > second|];", "write 'first.Output<int>(\"a\").To(second)'")]
    [InlineData("_ = [|output < [first, second]|];",
        "An output leads to one consecutor. Where several need its items, end the body in an output for each, '| "
            + "[Sink.Output<int>(\"…\"), Sink.Output<int>(\"…\")]'")]
    [InlineData("_ = [|[output, output] > second|];", "write 'second.From([output, output])'")]
    [InlineData("_ = [|[output, output] | second|];", "write 'second.From([output, output])'")]
    [InlineData("_ = [|first | second|];",
        "end the body of 'first' in '| Sink.Output<int>(\"name\")', and write 'first.Output<int>(\"name\").To(second)'")]
    [InlineData("_ = [|first < [second, second]|];", "Consecutors are wired by outputs")]
    public async Task AnOutputWiredLikeAStageIsReported(string statements, string sentence)
    {
        string source = Snippet.InMethod(statements, Members);
        await Snippet.FindAsync<WiringAnalyzer>(source, "SLU031", sentence);
        Assert.Empty(await Snippet.CheckAsync<NoSourceAnalyzer>(source.Replace("[|", "", StringComparison.Ordinal)
            .Replace("|]", "", StringComparison.Ordinal), "SLU020", compiles: false));
    }

    [Theory]
    [InlineData("output.To(second); second.From([output, output]); _ = numbers | first;", true)]
    [InlineData("_ = numbers | [output, output];", false)]
    public Task CorrectOrNoWiringIsNotReported(string statements, bool compiles)
        => Snippet.CheckAsync<WiringAnalyzer>(Snippet.InMethod(statements, Members), "SLU031", compiles: compiles);

    [Theory]
    [InlineData("_ = numbers | [|Twice|] < [p, p] > Print;", "'(numbers | Twice) < …'")]
    [InlineData("_ = numbers | Twice | [|(n => n)|] < [p, p] > Print;", "'(numbers | Twice | (n => n)) < …'")]
    [InlineData("_ = numbers | Twice | [|Stage.Parallel(2)|] < Route.By((int n) => n, p, p) > Print;",
        "put the chain before it in parentheses")]
    public Task BracketsAfterAChainWithoutParenthesesAreReported(string statements, string sentence) =>
        Snippet.FindAsync<BracketPlaceAnalyzer>(Snippet.InMethod(statements, Members), "SLU006", sentence);

    [Theory]
    [InlineData("_ = (numbers | Twice) < [p, p] > Print; _ = numbers | p < [p, p] > Print;", true)]
    [InlineData("_ = 1 | 2 < 3;", false)]
    [InlineData("_ = Twice < [p, p];", false)]
    public Task CorrectBracketsAreNotReported(string statements, bool compiles)
        => Snippet.CheckAsync<BracketPlaceAnalyzer>(Snippet.InMethod(statements, Members), "SLU006", compiles: compiles);
}
