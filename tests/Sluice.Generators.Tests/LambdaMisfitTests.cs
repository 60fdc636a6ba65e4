namespace Sluice.Generators.Tests;

public class LambdaMisfitTests
{
    private const string Members = """
        static int Twice(int n) => 2 * n;
        static int Length(string word) => word.Length;
        """;

    [Theory]
    [InlineData("_ = words | (x => x.[|Lenght|]);", "'Lenght' is not known")]
    [InlineData("_ = numbers | (n => [|Twise|](n));", "'Twise' is not known")]
    [InlineData("_ = numbers | (n => [|Length|](n));", "'Length' does not take the arguments")]
    [InlineData("_ = numbers | (async n => await [|LoadAsync|](n));", "'LoadAsync' is not known")]
    [InlineData("_ = numbers | (n => Twice(n)) | (n => { var x = n.[|Name|]; return x; });", "'Name' is not known")]
    [InlineData("_ = numbers < [s => s | Twice] > (n => n.[|Name|]);", "'Name' is not known")]
    [InlineData("_ = Pipe.Of<int>() | (n => n.[|Name|]);", "items here are of type 'int'")]
    [InlineData("_ = numbers | ([|n => { if (n > 1) return n; }|]);", "write '(int n) => …'")]
    public Task TheWrongPartOfALambdaIsReported(string statements, string sentence)
        => Snippet.FindAsync<LambdaMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU007", sentence);

    [Theory]
    [InlineData("_ = numbers | (n => Twice(n)) | (n => { });", true)]
    [InlineData("_ = numbers | (async n => await Task.Delay(n));", true)]
    [InlineData("_ = 1 | 2;", true)]
    [InlineData("_ = numbers | ((int n) => n.Name);", false)]
    [InlineData("_ = 1 | (n => n.Name);", false)]
    public Task ALambdaThatFitsOrThatTheCompilerExplainsIsNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<LambdaMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU007", compiles: compiles);
}
