namespace Sluice.Generators.Tests;

/// <summary>
/// A function of a graph node that does not fit its parents: the error is at the function and names its parameters and the types of the
/// parents.
/// </summary>
public class GraphMisfitTests
{
    private const string Members = """
        sealed record Request(int Id);
        static readonly GraphBuilder<Request> graph = Graph.For<Request>("page");
        static readonly GraphNode<int> number = graph.Add("number", request => request.Id);
        static readonly GraphNode<string> text = graph.Add("text", request => $"{request.Id}");
        static string Show(string s) => s;
        static int Sum(int a, int b) => a + b;
        static int Many(string s) => 1;
        static int Many(DateTime time) => 2;
        static Task<int> LaterAsync(string s, CancellationToken cancellation) => Task.FromResult(1);
        static Task<int> SumAsync(int a, int b, CancellationToken cancellation) => Task.FromResult(a + b);
        static int Stopped(int n, CancellationToken cancellation) => n;
        static void Print(int n) { }
        static int Length(object o) => 1;
        static readonly GraphNode<List<int>> items = graph.Add("items", request => new List<int> { request.Id });
        static readonly GraphNode<KeyValuePair<string, int>> pair = graph.Add("pair", request => KeyValuePair.Create("id", request.Id));
        static TValue Second<TKey, TValue>(KeyValuePair<TKey, TValue> pair) => pair.Value;
        static GraphNode<T> Add<T>(this GraphBuilder<Request> graph, string name, Func<Request, IServiceProvider, T> function)
            => graph.Add(name, request => function(request, null!));
        static int Longest<T>(T[][] lists, int least) => least;
        """;

    [Theory]
    [InlineData("graph.Add(\"x\", number, [|(string s) => s|]);", "'(string s) => s' takes 'string', and 'number' produces 'int'")]
    [InlineData("graph.Add(\"x\", number, [|Show|]);", "'Show' takes 'string', and 'number' produces 'int'")]
    [InlineData("graph.Add(\"x\", number, [|Length|]);", "'Length' takes 'object', and 'number' produces 'int'")]
    [InlineData("graph.Add(\"x\", number, [|LaterAsync|]);", "'LaterAsync' takes 'string', and 'number' produces 'int'")]
    [InlineData("graph.Add(\"x\", number, text, [|Sum|]);", "'Sum' takes 'int', and 'text' produces 'string'")]
    [InlineData("graph.Add(\"x\", number, text, [|(int n, int? m) => n|]);", "takes 'int?', and 'text' produces 'string'")]
    [InlineData("graph.Add(\"x\", number, [|Sum|]);", "'Sum' takes 2 parameters ('int', 'int'), and here comes 'int' ('number')")]
    [InlineData("graph.Add(\"x\", number, [|SumAsync|]);",
        "'SumAsync' takes 3 parameters ('int', 'int', 'CancellationToken'), and here comes 'int' ('number')")]
    [InlineData("graph.Add(\"x\", number, text, number, [|(a, b) => a|]);",
        "and here comes 'int' ('number'), 'string' ('text'), 'int' ('number')")]
    [InlineData("graph.Add(\"x\", number, text, [|(n, t, request) => 1|]);", "takes 3 parameters, and here comes 'int' ('number'), "
        + "'string' ('text'): one parameter more is a CancellationToken, for a function that returns a task")]
    [InlineData("graph.Add(\"x\", text, [|(request, t) => t.Length|]);", "takes 2 parameters, and here comes 'string' ('text'): one "
        + "parameter more is a CancellationToken, for a function that returns a task")]
    [InlineData("graph.Add(\"x\", number, [|() => 3|]);", "'() => 3' takes nothing, and here comes 'int' ('number')")]
    [InlineData("graph.Add(\"x\", number, [|Many|]);", "None of the overloads of 'Many' takes what comes here, 'int' ('number')")]
    [InlineData("graph.Add(\"x\", [|Show|]);", "'Show' takes 'string', and 'the graph' is asked with 'Request'")]
    [InlineData("graph.Add(\"x\", [|(int id) => id|]);", "takes 'int', and 'the graph' is asked with 'Request'")]
    [InlineData("graph.Add(\"x\", number, [|Stopped|]);", "'Stopped' takes a token, and only a function that returns a task is given one")]
    [InlineData("graph.Add(\"x\", number, [|Print|]);", "'Print' returns nothing, and a node waits for what its function returns")]
    [InlineData("graph.Add(\"x\", number, ([|(int n) => Console.WriteLine(n)|]));", "returns nothing")]
    [InlineData("graph.Add(\"x\", number, [|n => { Print(n); }|]);", "returns nothing")]
    [InlineData("graph.Add(\"x\", number, [|(int n, CancellationToken cancellation) => n|]);",
        "takes a token, and only a function that returns a task is given one")]
    [InlineData("graph.Add(\"x\", [|7|], (int n) => n);", "'7' is no node: it is of type 'int'")]
    [InlineData("graph.Add(\"x\", number, [|\"text\"|], (int n, string s) => n);", "'\"text\"' is no node: it is of type 'string'")]
    [InlineData("graph.Add(\"x\", function: [|(int n, string s) => n|], second: number, first: text);",
        "takes 'int', and 'text' produces 'string'")]
    [InlineData("graph.Add(\"x\", [number, text], [|(int n, string s) => n|]);",
        "takes 2 parameters ('int', 'string'), and here comes 'GraphContext<Request>' (of a list of parents)")]
    [InlineData("graph.Add(\"x\", text, (t, token) => LaterAsync(t.[|Nmae|], token));", "Here comes 'string' ('text'), and 'Nmae' is not "
        + "known there")]
    [InlineData("graph.Add(\"x\", text, async (t, token) => { await Task.Delay(t.[|Lenght|], token); return 1; });",
        "Here comes 'string' ('text'), and 'Lenght' is not known there")]
    public Task AFunctionThatDoesNotFitItsParentsIsReported(string statements, string sentence)
        => Snippet.FindAsync<GraphMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU028", sentence);

    [Theory]
    [InlineData("graph.Add(\"x\", number, n => n + 1); graph.Add(\"y\", text, Show); graph.Add(\"z\", text, Length); graph.Add(\"l\", "
        + "text, LaterAsync);", true)]
    [InlineData("graph.Add(\"x\", number, number, Sum); graph.Add(\"y\", number, number, SumAsync); graph.Add(\"z\", text, Many);", true)]
    [InlineData("graph.Add(\"x\", number, (n, cancellation) => Task.FromResult(n)); graph.Add(\"y\", number, async n => { await "
        + "Task.Yield(); }); graph.Add(\"z\", number, (int n) => { return n; });", true)]
    [InlineData("graph.Add(\"x\", number, (n, stop) => Task.FromResult(stop.IsCancellationRequested ? n : 0)); graph.Add(\"y\", "
        + "number, (n, stop) => new ValueTask<int>(n));", true)]
    [InlineData("graph.Add(\"x\", second: text, first: number, function: (int n, string s) => n + s); graph.Add(first: text, name: "
        + "\"y\", function: Show);", true)]
    [InlineData("Func<int, int> twice = n => 2 * n; graph.Add(\"x\", function: twice, first: number); graph.Add(\"y\", function: "
        + "context => 1, parents: [number]);", true)]
    [InlineData("graph.Add(\"x\", items, Enumerable.ToArray); graph.Add(\"y\", items, Enumerable.ToHashSet); graph.Add(\"z\", pair, "
        + "Second);", true)]
    [InlineData("graph.Add(\"x\", (request, services) => request.Id + 1);", true)]
    [InlineData("graph.Add(\"x\", items, number, Longest);", false)]
    [InlineData("graph.Add(\"x\", number, (n, stop) => Task.FromResult(stop.IsCancellationRequested ? Missing() : n));", false)]
    [InlineData("graph.Add(\"x\", number, Missing);", false)]
    [InlineData("graph.Add(\"x\", missing, (int n) => n);", false)]
    [InlineData("graph.Add(\"x\", number, n => n.Missing);", false)]
    [InlineData("new List<int>().Add(1, 2);", false)]
    public Task AFunctionThatFitsOrIsUnknownIsNotReported(string statements, bool compiles) =>
        Snippet.CheckAsync<GraphMisfitAnalyzer>(Snippet.InMethod(statements, Members), "SLU028", compiles: compiles);
}
