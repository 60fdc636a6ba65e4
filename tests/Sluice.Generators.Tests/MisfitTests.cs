namespace Sluice.Generators.Tests;

public class MisfitTests
{
    private const string Members = """
        static int Twice(int n) => 2 * n;
        static int Length(string word) => word.Length;
        static int Sum(int a, int b) => a + b;
        static int One() => 1;
        static void Print(int n) { }
        static void Show(string word) { }
        static void Show(DateTime time) { }
        static readonly Source<DateTimeOffset> times = Source.From(new[] { DateTimeOffset.UnixEpoch });
        static readonly Source<(int, string)> pairs = Source.From(new[] { (1, "one") });
        sealed class Doubler(Func<int, int> twice) : StageNode<int, int>
        {
            public Doubler(object options, int factor) : this(n => factor * n) { }
            protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(twice(item));
        }
        static readonly Pipe<string, int> lengths = Pipe.Of<string>() | Length;
        static string Format(int n) => "";
        static readonly Pipe<int, int> twice = Pipe.Of<int>() | Twice;
        static readonly Sink<string> wordSink = Sink.Of<string>(Show);
        static readonly Sluice.Graphs.Step<int, int> square = Sluice.Graphs.Step.Of((int n) => n * n);
        """;

    [Theory]
    [InlineData("_ = numbers\n | Twice\n | Twice | Stage.Parallel(2)\n | [|Length|];",
        "'Length' takes 'string', and 'Twice' puts out 'int'")]
    [InlineData("_ = numbers | [|Length|] | Twice | Print;", "'Length' takes 'string', and 'numbers' puts out 'int'")]
    [InlineData("_ = numbers | [|Length|] | Length | lengths;", "'numbers' puts out 'int'")]
    [InlineData("_ = Pipe.Of<int>() | Twice | [|Length|];", "'Length' takes 'string', and 'Twice' puts out 'int'")]
    [InlineData("_ = numbers | [|Sum|];", "takes 2 parameters ('int', 'int')")]
    [InlineData("_ = numbers | [|One|];", "'One' takes nothing")]
    [InlineData("_ = numbers | [|Show|];", "None of the overloads of 'Show' takes what 'numbers' puts out, 'int'")]
    [InlineData("_ = numbers | [|Math.Sqrt|] | Console.WriteLine;", "'Math.Sqrt' takes 'double', and 'numbers' puts out 'int'")]
    [InlineData("_ = numbers | Twice | [|Math.Sqrt|];", "'Math.Sqrt' takes 'double', and 'Twice' puts out 'int'")]
    [InlineData("_ = numbers | ([|(string word) => word.Length|]);", "takes 'string'")]
    [InlineData("_ = numbers | ([|(a, b) => a + b|]);", "takes 2 parameters")]
    [InlineData("_ = numbers | (n => n * 2) | [|lengths|];", "'lengths' is of type 'Pipe<string, int>', and 'n => n * 2' puts out 'int'")]
    [InlineData("_ = numbers | [|wordSink|];", "'wordSink' is of type 'Sink<string>'")]
    [InlineData("_ = numbers | [|Stage.KeyBy((string word) => word.Length)|];", "is of type 'KeyedLanes<string>'")]
    [InlineData("_ = words | [|new Doubler(Twice)|];", "'new Doubler(Twice)' is of type 'Doubler', and 'words' puts out 'string'")]
    [InlineData("_ = numbers | [|42|];", "'42' is of type 'int'")]
    [InlineData("_ = words | [|square|];", "'square' is of type 'Step<int, int>', and 'words' puts out 'string'")]
    [InlineData("_ = numbers | [|square|];", "'square' is a step of task graphs, and a stage is a function: call it, "
        + "'async (int item) => await square(item)'")]
    [InlineData("_ = numbers | Twice | [|null|];", "null is no stage")]
    [InlineData("_ = numbers | Print | [|Twice|];", "'Twice' gets no items, because 'Print' is an end")]
    [InlineData("_ = Pipe.Of<int>() | Print | ([|n => n|]);", "gets no items, because 'Print' is an end")]
    [InlineData("_ = times | [|Console.WriteLine|];", "write '(DateTimeOffset item) => Console.WriteLine(item)'")]
    [InlineData("_ = pairs | (pair => pair) | [|Console.WriteLine|];", "'Console.WriteLine' has no overload that takes '(int, string)'")]
    [InlineData("_ = numbers < [twice, twice] > [|Length|];", "'Length' takes 'string', and 'numbers < [twice, twice]' puts out 'int'")]
    [InlineData("_ = numbers < [twice, twice] > [|wordSink|];", "'wordSink' is of type 'Sink<string>'")]
    [InlineData("_ = numbers < [twice, twice] > [|42|];", "'42' is of type 'int'")]
    [InlineData("_ = numbers < [twice, twice] > [|null|];", "null is no stage")]
    [InlineData("_ = numbers < [|null|];", "null is no stage")]
    [InlineData("_ = numbers < [twice, twice] > [|[Print, Print]|];", "'(numbers < [twice, twice]) | [Print, Print]'")]
    [InlineData("_ = numbers < [twice, twice] > [|Stage.Parallel(2)|];", "go on with '|'")]
    [InlineData("_ = numbers | [|Route.By(Format)|] | [twice, twice];",
        "stands in brackets beside the branches among which it chooses: '[even, odd, Route.By(Format)]'")]
    [InlineData("_ = numbers < [|Route.By(Format)|] > Print;", "is a router")]
    public Task AStageThatDoesNotFitIsReported(string statements, string sentence)
        => Snippet.FindAsync<MisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU001", sentence);

    [Theory]
    [InlineData("_ = numbers | (async (int item) => await square(item)) | Print;", true)]
    [InlineData("_ = numbers | Twice | Print;", true)]
    [InlineData("_ = words | Length | Console.WriteLine;", true)]
    [InlineData("_ = words | Console.WriteLine; _ = times | ((DateTimeOffset time) => Console.WriteLine(time));", true)]
    [InlineData("_ = words | lengths | Stage.KeyBy((int n) => n) | Twice | Stage.Retry(2) | [Print, Console.WriteLine];", true)]
    [InlineData("_ = numbers | new Doubler(Twice) | new Doubler(new object(), 3) | Print;", true)]
    [InlineData("_ = numbers | (n => n.Name);", false)]
    [InlineData("_ = numbers < [twice, twice] > Twice > Print;", true)]
    [InlineData("_ = numbers | [Twice, Twice] | Print;", false)]
    [InlineData("_ = numbers < [lengths, twice] > Print;", false)]
    [InlineData("_ = Source.Merge(twice, twice) | Print;", false)]
    [InlineData("_ = numbers < [twice, twice] > Missing;", false)]
    [InlineData("_ = 1 < 2; _ = 1 > 2;", true)]
    [InlineData("_ = numbers | Missing;", false)]
    [InlineData("_ = 1 | Twice;", false)]
    [InlineData("_ = 1 | 2;", true)]
    public Task AStageThatFitsOrIsExplainedElsewhereIsNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<MisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU001", compiles: compiles);
}
