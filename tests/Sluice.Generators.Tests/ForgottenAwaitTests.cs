namespace Sluice.Generators.Tests;

public class ForgottenAwaitTests
{
    private const string Members = """
        static readonly Pipe<int, int> pipe = Pipe.Of<int>();
        static Task SaveAsync(int n) => Task.CompletedTask;
        static Task<int> LoadAsync(int n) => Task.FromResult(n);
        static ValueTask<int> FetchAsync(int n) => new(n);
        static void SaveSoon(int n) { SaveAsync(n); }
        static void SaveDiscarded(int n) { _ = SaveAsync(n); }
        static async void SaveSomehow(int n) => await SaveAsync(n);
        static async void WarnSomehow(string text) => await SaveAsync(text.Length);
        static Action<int>? Handler { get; set; }
        static void Print(int n) { }
        static string Parity(int n) => "even";
        """;

    [Theory]
    [InlineData("_ = numbers.Select([|x => SaveAsync(x)|]);")]
    [InlineData("_ = numbers.Select([|LoadAsync|]);")]
    [InlineData("_ = numbers.Select([|x => FetchAsync(x)|]).Where(task => task.IsCompleted);")]
    [InlineData("_ = pipe.Select([|x => LoadAsync(x)|]);")]
    [InlineData("Func<int, Task<int>> load = LoadAsync; _ = numbers.Select([|load|]);")]
    public Task AStageWhoseItemsAreTasksIsReportedAtItsFunction(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = numbers | (x => { [|SaveAsync(x)|]; });")]
    [InlineData("_ = numbers.Do(x => [|SaveAsync(x)|]);")]
    [InlineData("_ = numbers | (x => { [|LoadAsync(x)|]; return x; });")]
    [InlineData("_ = numbers | (x => { if (x > 1) [|FetchAsync(x)|]; });")]
    [InlineData("_ = numbers | [SaveAsync, (int x) => { [|SaveAsync(x)|]; }];")]
    [InlineData("_ = numbers.Route(Parity, (\"even\", s => s.Do(x => [|SaveAsync(x)|])));")]
    [InlineData("_ = numbers | [|SaveSoon|];")]
    public Task ATaskDroppedInsideAStageIsReported(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = numbers.Do([|async x => await SaveAsync(x)|]);")]
    [InlineData("_ = numbers | [|SaveSomehow|];")]
    [InlineData("_ = numbers | [[|async x => await SaveAsync(x)|], x => { }];")]
    public Task AnAsyncVoidFunctionIsReported(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = new RunOptions { OnStarted = [|async run => await SaveAsync(1)|] };")]
    [InlineData("_ = new ConsecutorOptions() with { OnWarning = [|async text => await SaveAsync(1)|] };")]
    [InlineData("_ = new ConsecutorOptions { OnWarning = [|WarnSomehow|] };")]
    [InlineData("_ = numbers | LoadAsync | Stage.Log([|async entry => await SaveAsync(1)|]);")]
    [InlineData("_ = Graph.For<int>().Build().With([|async graph => await SaveAsync(1)|]);")]
    [InlineData("_ = Step.Of<int>([|SaveSomehow|]);")]
    public Task AnAsyncVoidCallbackIsReported(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = new ConsecutorOptions { OnWarning = text => { } };")]
    [InlineData("_ = new ConsecutorOptions { OnBatchCompleted = async (batch, token) => await SaveAsync(1) };")]
    [InlineData("Handler = async n => await SaveAsync(n);")]
    [InlineData("Action<int> save = async n => await SaveAsync(n);")]
    [InlineData("new List<int>().ForEach(async n => await SaveAsync(n));")]
    public Task OtherCallbacksAreNotReported(string statements) => CheckAsync(statements);

    [Theory]
    [InlineData("_ = numbers | SaveAsync;")]
    [InlineData("_ = numbers | LoadAsync | (x => x + 1);")]
    [InlineData("_ = numbers | (async x => { await SaveAsync(x); });")]
    [InlineData("_ = numbers | (x => FetchAsync(x));")]
    [InlineData("_ = numbers | (x => { _ = SaveAsync(x); });")]
    [InlineData("_ = numbers | SaveDiscarded;")]
    [InlineData("_ = numbers | Print;")]
    [InlineData("_ = numbers.Do(x => SaveAsync(x).Wait());")]
    [InlineData("_ = Source.From(new[] { LoadAsync(1) });")]
    [InlineData("_ = Source.From(new[] { LoadAsync(1) }).Where(task => task.IsCompleted);")]
    [InlineData("_ = new[] { 1 }.Select(x => LoadAsync(x));")]
    [InlineData("new List<int>().ForEach(x => SaveAsync(x));")]
    public Task AnAwaitedReturnedOrDiscardedTaskIsNotReported(string statements) => CheckAsync(statements);

    [Fact]
    public async Task TheMessageNamesTheCallAndTheRemedy()
    {
        var reports = await CheckAsync("_ = numbers | (x => { [|SaveAsync(x)|]; });");
        var message = Assert.Single(reports).GetMessage(System.Globalization.CultureInfo.InvariantCulture);
        Assert.StartsWith("The task of 'SaveAsync' is dropped", message, StringComparison.Ordinal);
        Assert.Contains("async x => await", message, StringComparison.Ordinal);
        Assert.Equal("docs/analyzers.md#slu002", reports[0].Descriptor.HelpLinkUri);
    }

    private static Task<System.Collections.Immutable.ImmutableArray<Microsoft.CodeAnalysis.Diagnostic>> CheckAsync(string statements) =>
        Snippet.CheckAsync<ForgottenAwaitAnalyzer>(Snippet.InMethod(statements, Members), "SLU002");
}
