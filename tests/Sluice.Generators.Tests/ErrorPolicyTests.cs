namespace Sluice.Generators.Tests;

public class ErrorPolicyTests
{
    private const string Members = "static int Twice(int n) => 2 * n; static readonly ErrorPolicy policy = ErrorPolicy.Skip;";

    [Theory]
    [InlineData("_ = numbers | Twice | Stage.OnError([|DeadLetter|]) | Console.WriteLine;", "Write 'ErrorPolicy.DeadLetter'")]
    [InlineData("_ = numbers | Twice | Stage.Retry(2).OnError([|Skip|]);", "Write 'ErrorPolicy.Skip'")]
    public Task APolicyWithoutItsTypeNameIsReported(string statements, string sentence)
        => Snippet.FindAsync<ErrorPolicyAnalyzer>(Snippet.InMethod(statements, Members), "SLU022", sentence);

    [Theory]
    [InlineData("", "_ = numbers | Twice | Stage.OnError(ErrorPolicy.DeadLetter) | Stage.OnError(policy);", true)]
    [InlineData("using static Sluice.ErrorPolicy;\n", "_ = numbers | Twice | Stage.OnError(Skip);", true)]
    [InlineData("", "_ = numbers | Twice | Stage.OnError(Bury);", false)]
    public Task ACorrectOrUnknownPolicyIsNotReported(string usings, string statements, bool compiles) =>
        Snippet.CheckAsync<ErrorPolicyAnalyzer>(usings + Snippet.InMethod(statements, Members), "SLU022", compiles: compiles);
}
