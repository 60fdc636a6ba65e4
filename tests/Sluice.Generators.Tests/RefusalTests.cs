using System.Globalization;

namespace Sluice.Generators.Tests;

/// <summary>Common mistakes: each gives one error that says what to write instead.</summary>
public class RefusalTests
{
    private const string Members = """
        static int Twice(int n) => 2 * n;
        static bool IsEven(int n) => n % 2 == 0;
        static void Print(int n) { }
        static readonly Pipe<int, int> pipe = Pipe.Of<int>() | Twice;
        static readonly Sink<int> sink = Sink.Of<int>(Print);
        static readonly Pipeline pipeline = numbers | Print;
        sealed class Totals : StageNode<int, int>
        {
            protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(item);
        }
        sealed class Last : SinkNode<int>
        {
            protected override ValueTask ProcessAsync(int item, CancellationToken cancellation) => default;
        }
        """;

    [Theory]
    [InlineData("await pipeline;", "SLU023: a pipeline is a value")]
    [InlineData("var snapshot = await (numbers | Twice | Print);", "SLU023: a pipeline is a value")]
    [InlineData("await pipeline.Start();", "SLU023: a run goes on by itself. Write 'await run.Completion'")]
    [InlineData("await numbers;", "SLU023: a source is a value")]
    [InlineData("await (numbers | Twice).RunAsync();", "SLU024: a source cannot run")]
    [InlineData("await using var run = numbers.Start();", "SLU024: a source cannot run")]
    [InlineData("await sink.RunAsync();", "SLU024: a pipe or a sink cannot run")]
    [InlineData("await pipe.RunAsync();", "SLU024: a pipe or a sink cannot run")]
    [InlineData("_ = numbers | StageNode.Of(new Totals()) | Print;", "SLU025: StageNode.Of takes a function that makes a node")]
    [InlineData("_ = numbers | StageNode.Of(new Last());", "SLU025: StageNode.Of takes a function that makes a node")]
    [InlineData("_ = words | Stage.KeyBy(word => word.Length, lanes: 4) | (word => word) | Console.WriteLine;",
        "SLU026: the key function does not say")]
    [InlineData("_ = numbers | Twice | Pipe.Where(n => n > 2) | Print;", "SLU021: C# cannot see from here which items come")]
    [InlineData("_ = numbers | Twice | Pipe.Where(IsEven) | Print;", "SLU021: C# cannot see from here which items come")]
    [InlineData("_ = Source.Merge(pipe, pipe) | Print;", "SLU020: these are pipes")]
    [InlineData("_ = Pipe.Merge(numbers, numbers) | Print;", "SLU020: these are sources")]
    [InlineData("_ = new Consecutor<int>(\"n\", source => source | Twice);", "SLU027: this body puts out items")]
    [InlineData("_ = new Consecutor<int>(\"n\", source => { var next = source | Twice; return next; }, new ConsecutorOptions());",
        "SLU027: this body puts out items")]
    [InlineData("await foreach (int n in numbers | Twice) Print(n);", "SLU033: a source is a value")]
    [InlineData("_ = new ConsecutorOptions { Key = n => n.Name };", "SLU034: the key is no option")]
    [InlineData("_ = new ConsecutorOptions { Key = (object n) => \"all\" };", "SLU034: the key is no option")]
    [InlineData("_ = await Sluice.Graphs.Graph.For<int>(\"page\").ResolveAsync(1);", "SLU035: a builder is no graph yet")]
    public void AMistakeGivesOneErrorWithAnExplanation(string statement, string sentence) => Explains("", statement, sentence);

    [Theory]
    [InlineData("FlowRun run = null!; await run;", "SLU023: a run goes on by itself. Write 'await run.Completion'")]
    [InlineData("IO<int> io = null!; await foreach (int n in io) Print(n);", "SLU033: read the values of a stream by a call")]
    public void AMistakeWithAFlowGivesOneErrorWithAnExplanation(string statement, string sentence)
        => Explains("using Sluice.Flows; ", statement, sentence);

    /// <summary>The compiler offers extensions of the right name as candidates: its errors about other types must not name ours.</summary>
    [Theory]
    [InlineData("await 5;", "CS1061")]
    [InlineData("await new Totals();", "CS1061")]
    [InlineData("words.ToString()!.RunAsync();", "CS1061")]
    [InlineData("words.ToString()!.Start();", "CS1061")]
    [InlineData("await foreach (int n in 5) Print(n);", "CS8411")]
    public void AMistakeWithAnotherTypeGetsTheOrdinaryErrorOfTheCompiler(string statement, string id)
    {
        string source = "using Sluice.Flows; " + Snippet.InMethod(statement, Members, "async Task");
        var error = Assert.Single(Snippet.Errors(Snippet.Compile(source)));
        Assert.Equal(id, error.Id);
        Assert.DoesNotContain("Sluice", error.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    private static void Explains(string usings, string statement, string sentence)
    {
        var error = Assert.Single(Snippet.Errors(Snippet.Compile(usings + Snippet.InMethod(statement, Members, "async Task"))));
        Assert.Equal("CS0619", error.Id);
        Assert.Contains(sentence, error.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    /// <summary>The compiler's own error stays: nothing of ours makes a source look like a list.</summary>
    [Theory]
    [InlineData("foreach (var n in numbers) Print(n);")]
    [InlineData("List<int> list = [.. numbers];")]
    public void ASourceIsNoList(string statement)
        => Assert.StartsWith("CS", Assert.Single(Snippet.Errors(Snippet.Compile(Snippet.InMethod(statement, Members)))).Id,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("_ = new Consecutor<string>(\"n\", source => source | (word => word.Lenght));")]
    [InlineData("_ = new Consecutor<string>(\"n\", source => source | (word => word.Lenght) | Print);")]
    [InlineData("_ = new Consecutor<string>(\"n\", source => source | Print);")]
    [InlineData("_ = new Consecutor<string>(\"n\", source => source | pipe | [Print, Print]);")]
    [InlineData("_ = words | (word => word.Lenght) | Twice | Print;")]
    [InlineData("_ = words | (word => word.Lenght) | (n => n * 2) | ((a, b) => a) | Print;")]
    [InlineData("_ = words | Twice | pipe | sink;")]
    [InlineData("_ = words | pipe | Stage.KeyBy((bool isOpen) => 1) | 42 | ((int n) => { });")]
    public void NothingIsRefusedBehindARefusedOperator(string statement)
    {
        var error = Assert.Single(Snippet.Errors(Snippet.Compile(Snippet.InMethod(statement, Members))));
        Assert.Equal("CS0619", error.Id);
        Assert.Contains("SLU001", error.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("await pipeline.RunAsync(); await numbers.ToListAsync();")]
    [InlineData("await using var run = pipeline.Start();")]
    [InlineData("await foreach (int n in (numbers | Twice).ToAsyncEnumerable()) Print(n);")]
    [InlineData("_ = numbers | StageNode.Of(() => new Totals()) | StageNode.Of(() => new Last());")]
    [InlineData("_ = words | Stage.KeyBy((string word) => word.Length, lanes: 4) | (word => word) | Console.WriteLine;")]
    [InlineData("_ = new Consecutor<int>(\"n\", source => source | Twice | Print);")]
    [InlineData("_ = new Consecutor<int>(\"n\", source => source.Where(IsEven) | Twice | Sink.Output<int>(\"twice\"), new "
        + "ConsecutorOptions());")]
    [InlineData("_ = new Consecutor<int>(\"n\", source => { if (IsEven(3)) return source | Print; return source | [Print, Print]; });")]
    [InlineData("Func<Source<int>, Pipeline> body = source => source | Print; _ = new Consecutor<int>(\"n\", body);")]
    public void ACorrectStatementCompiles(string statement)
        => Assert.Empty(Snippet.Errors(Snippet.Compile(Snippet.InMethod(statement, Members, "async Task"))));

    /// <summary>Operators of <c>Pipe</c> in a chain, after a source and after a pipe.</summary>
    [Theory]
    [InlineData("Chunk(100)", "int[]")]
    [InlineData("Chunk(within: TimeSpan.FromSeconds(1)) | (chunk => chunk.Length)", "int")]
    [InlineData("Window(TimeSpan.FromSeconds(10))", "Window<int>")]
    [InlineData("Take(3) | Skip(1) | Distinct() | Debounce(TimeSpan.FromSeconds(1)) | Sample(TimeSpan.FromSeconds(1)) | Throttle(3, "
        + "TimeSpan.FromSeconds(1)) | Delay(TimeSpan.FromSeconds(1))", "int")]
    [InlineData("Where((int n) => n > 2) | Where<int>(IsEven) | TakeWhile((int n) => n < 7) | SkipWhile((int n) => n < 3) | Do((int n) => "
        + "Print(n))", "int")]
    [InlineData("GroupBy((int n) => n / 4)", "Group<int, int>")]
    [InlineData("Scan(\"\", (string all, int n) => all + n) | Pipe.Chunk(2)", "string[]")]
    [InlineData("Aggregate(0.5, (double sum, int n) => sum + n)", "double")]
    public void OperatorsFitIntoAChain(string chain, string item)
    {
        string source = "using static Sluice.Pipe;\n"
            + Snippet.InMethod($"Source<{item}> behind = numbers | Twice | {chain}; Pipe<int, {item}> after = Of<int>() | Twice | {chain};",
            Members);
        Assert.Empty(Snippet.Errors(Snippet.Compile(source)).Select(error => error.ToString()));
    }
}
