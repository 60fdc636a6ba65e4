namespace Sluice.Generators.Tests;

/// <summary>Expressions that cannot be a stage of a data flow: the error is at the expression and says what to write.</summary>
public class FlowMisfitTests
{
    private const string Members = """
        static int Count(string text) => text.Length;
        static int Twice(int count) => 2 * count;
        static void Many(int count) { }
        static void Many(string text) { }
        static T Same<T>(T count) => count;
        static void Log() { }
        static readonly DataFlow flow = DataFlow.From(Count);
        """;

    [Theory]
    [InlineData("_ = flow | [|42|];", "'42' is of type 'int', and a stage is made of functions and of data flows")]
    [InlineData("_ = flow | Twice | [|\"text\"|];", "'\"text\"' is of type 'string'")]
    [InlineData("_ = flow | [|numbers|];", "'numbers' is of type 'Source<int>'")]
    [InlineData("_ = flow | [|null|];", "null is no function")]
    [InlineData("_ = flow | [|Many|];",
        "write it as a lambda with typed parameters, 'DataFlow.Function((int count) => Many(count)).Named(\"…\")'")]
    [InlineData("_ = flow | [|Same|];", "'Same' is generic, and C# cannot see its types: write 'Same<T>'")]
    [InlineData("_ = flow | ([|n => n + 1|]);", "write 'DataFlow.Function((int n) => …).Named(\"…\")'")]
    [InlineData("_ = flow | ([|(n, string s) => n|]);", "'DataFlow.Function((int n, string s) => …).Named(\"…\")'")]
    [InlineData("_ = flow | [|Twice(1)|];", "'Twice(1)' is a call, and its result 'int' is no function: give the function itself, 'Twice'")]
    [InlineData("_ = flow | [|Log()|];", "'Log()' is a call, and its result 'void' is no function: give the function itself, 'Log'")]
    [InlineData("_ = flow | (Twice, [|42|]);", "'42' is of type 'int'")]
    [InlineData("_ = flow | (Twice, [|Many|]) | Twice;", "'Many' has several overloads")]
    [InlineData("_ = flow | [Twice, [|42|]];", "'42' is of type 'int'")]
    [InlineData("_ = flow | [|(Twice, Twice, Twice, Twice, Twice, Twice, Twice)|];",
        "Parentheses take six functions at most: write brackets, '[Twice, …]'")]
    [InlineData("_ = DataFlow.From([|42|]);", "'42' is of type 'int'")]
    [InlineData("_ = DataFlow.From(Count, [|Many|]) | Twice;", "'Many' has several overloads")]
    [InlineData("_ = DataFlow.Function([|n => n|]);", "this lambda states no types")]
    public Task AnExpressionThatIsNoFunctionOfAFlowIsReported(string statements, string sentence)
        => Snippet.FindAsync<FlowMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU029", sentence);

    [Theory]
    [InlineData("_ = flow | Twice | (Twice, Log) | [Twice, Log] | DataFlow.Function((int n) => n).Named(\"n\") | flow | Same<int>;", true)]
    [InlineData("_ = DataFlow.From(Count, flow, DataFlow.Function((int n) => n).Named(\"n\"));", true)]
    [InlineData("_ = flow | Missing;", false)]
    [InlineData("_ = flow | Missing | 42;", false)]
    [InlineData("_ = 1 | 2;", true)]
    public Task AFunctionThatFitsOrIsUnknownIsNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<FlowMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU029", compiles: compiles);
}
