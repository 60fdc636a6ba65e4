using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Sluice.Generators.Tests;

/// <summary>What may follow <c>|</c>, and the compiler errors for anything else.</summary>
public class StageFormTests
{
    private const string Members = """
        static int Twice(int n) => 2 * n;
        static int Thrice(int n) => 3 * n;
        static string Format(int n) => "";
        static List<int> Listed(int n) => [n];
        static int[] Arrayed(int n) => [n];
        static Task<string> LoadAsync(int n) => Task.FromResult("");
        static Task<string> LoadTokenAsync(int n, CancellationToken cancellation) => Task.FromResult("");
        static ValueTask<string> FetchAsync(int n) => new("");
        static ValueTask<string> FetchTokenAsync(int n, CancellationToken cancellation) => new("");
        static IEnumerable<string> Many(int n) { yield return ""; }
        static async IAsyncEnumerable<string> ManyAsync(int n) { await Task.Yield(); yield return ""; }
        static async IAsyncEnumerable<string> ManyTokenAsync(int n, CancellationToken cancellation) { await Task.Yield(); yield return ""; }
        static async IAsyncEnumerable<int> Feed() { await Task.Yield(); yield return 1; }
        static void Print(int n) { }
        static void PrintWord(string word) { }
        static Task SaveAsync(int n) => Task.CompletedTask;
        static Task SaveTokenAsync(int n, CancellationToken cancellation) => Task.CompletedTask;
        static Task SaveContextAsync(int n, ItemContext context) => Task.CompletedTask;
        static Task SaveBothAsync(int n, ItemContext context, CancellationToken cancellation) => Task.CompletedTask;
        static ValueTask StoreAsync(int n) => default;
        static ValueTask StoreTokenAsync(int n, CancellationToken cancellation) => default;
        static void Show(int n) { }
        static void Show(string word) { }
        static Task SendAsync(int n) => Task.CompletedTask;
        static Task SendAsync(string word) => Task.CompletedTask;
        static void Drop<T>(T item) { }
        static int Length(string word) => word.Length;
        static int Sum(int a, int b) => a + b;
        static readonly Pipe<int, string> pipe = Pipe.Of<int>() | Format;
        static readonly Sink<int> sink = Sink.Of<int>(Print);
        static readonly Sink<string> wordSink = Sink.Of<string>(PrintWord);
        sealed class Doubler : StageNode<int, int>
        {
            protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(2 * item);
        }
        """;

    /// <summary>The stage forms of the table in design.md. The second value is the output type, or "sink".</summary>
    [Theory]
    [InlineData("Twice", "int")]
    [InlineData("Format", "string")]
    [InlineData("Listed", "List<int>")]
    [InlineData("Arrayed", "int[]")]
    [InlineData("(n => n * 1.5)", "double")]
    [InlineData("(n => (n, n))", "(int, int)")]
    [InlineData("LoadAsync", "string")]
    [InlineData("LoadTokenAsync", "string")]
    [InlineData("FetchAsync", "string")]
    [InlineData("FetchTokenAsync", "string")]
    [InlineData("(async n => await LoadAsync(n))", "string")]
    [InlineData("(async (n, cancellation) => await LoadTokenAsync(n, cancellation))", "string")]
    [InlineData("Many", "string")]
    [InlineData("ManyAsync", "string")]
    [InlineData("ManyTokenAsync", "string")]
    [InlineData("Print", "sink")]
    [InlineData("SaveAsync", "sink")]
    [InlineData("SaveTokenAsync", "sink")]
    [InlineData("SaveContextAsync", "sink")]
    [InlineData("SaveBothAsync", "sink")]
    [InlineData("StoreAsync", "sink")]
    [InlineData("StoreTokenAsync", "sink")]
    [InlineData("(n => { })", "sink")]
    [InlineData("(async n => { await SaveAsync(n); })", "sink")]
    [InlineData("pipe", "string")]
    [InlineData("sink", "sink")]
    [InlineData("StageNode.Of(() => new Doubler())", "int")]
    [InlineData("[SaveTokenAsync, Print, sink]", "sink")]
    [InlineData("[s => s | Twice | Print, s => s | sink]", "sink")]
    [InlineData("[Console.WriteLine, Print]", "sink")]
    [InlineData("[Show, Show, Drop]", "sink")]
    [InlineData("[SendAsync, SaveAsync]", "sink")]
    [InlineData("[n => { }, Show]", "sink")]
    [InlineData("[async n => await SaveAsync(n), SendAsync]", "sink")]
    [InlineData("[Print, (Source<int> s) => s | Twice | Print, (int n) => Show(n), Pipe.Of<int>() | Twice | sink]", "sink")]
    [InlineData("[s => s | Twice, s => s | Thrice]", "int")]
    [InlineData("[pipe, pipe]", "string")]
    [InlineData("[pipe, pipe, Route.By(Format)]", "string")]
    [InlineData("[Print, sink, Route.By((int n) => n % 2)]", "sink")]
    [InlineData("Route.By(Format, (\"a\", pipe), (\"b\", pipe))", "string")]
    [InlineData("Route.By(Format, pipe, (\"a\", pipe))", "string")]
    [InlineData("Route.By(Twice, pipe, pipe)", "string")]
    [InlineData("Pipe.Merge(pipe, pipe)", "string")]
    [InlineData("Pipe.RoundRobin(pipe, pipe)", "string")]
    [InlineData("Pipe.Join(numbers, (int n) => n, n => n, (a, b) => $\"{a}\")", "string")]
    [InlineData("Pipe.Zip(numbers, (int a, int b) => $\"{a}\")", "string")]
    [InlineData("Stage.KeyBy((int n) => n % 7, lanes: 8) | Format", "string")]
    [InlineData("Format | Stage.Parallel(8) | Stage.Retry(3)", "string")]
    [InlineData("LoadTokenAsync | Stage.Timeout(TimeSpan.FromSeconds(1)).Unordered | Stage.Named(\"load\")", "string")]
    [InlineData("Print | Stage.OnError(ErrorPolicy.Skip)", "sink")]
    public void EveryStageFormCompilesAfterASourceAndAfterAPipe(string right, string item)
    {
        Assert.Equal(item == "sink" ? "Pipeline" : $"Source<{item}>", TypeOf($"numbers | {right}"));
        Assert.Equal(item == "sink" ? "Sink<int>" : $"Pipe<int, {item}>", TypeOf($"Pipe.Of<int>() | {right}"));
    }

    [Theory]
    [InlineData("< [pipe, pipe, Route.By(Format)] > PrintWord", "sink")]
    [InlineData("< [pipe, pipe] > PrintWord", "sink")]
    [InlineData("< [pipe, pipe] > Length", "int")]
    [InlineData("< [pipe, pipe] > (word => word.Length)", "int")]
    public void TheBracketFormCompilesAfterASourceAndAfterAPipe(string right, string item)
    {
        Assert.Equal(item == "sink" ? "Pipeline" : $"Source<{item}>", TypeOf($"numbers {right}"));
        Assert.Equal(item == "sink" ? "Sink<int>" : $"Pipe<int, {item}>", TypeOf($"Pipe.Of<int>() {right}"));
    }

    [Theory]
    [InlineData("Length", "CS0619", "It must take one item of the type that the stage before it puts out")]
    [InlineData("((string word) => word.Length)", "CS0619", "It must take one item of the type")]
    [InlineData("Sum", "CS0619", "It must take one item of the type")]
    [InlineData("(n => n.Nmae)", "CS0619", "this lambda does not compile for the items that come here")]
    [InlineData("((a, b) => a + b)", "CS0619", "a stage is called with one item")]
    [InlineData("(() => 1)", "CS0619", "It must take one item of the type")]
    [InlineData("Print | Twice", "CS0619", "nothing comes out of a sink")]
    [InlineData("Print | (n => n)", "CS0619", "nothing comes out of a sink")]
    [InlineData("[Print, SaveAsync] | (n => { })", "CS0619", "nothing comes out of a sink")]
    [InlineData("Stage.KeyBy((string word) => word.Length)", "CS0619", "the key function takes another type than the items")]
    [InlineData("[s => s | Twice, s => s | Format]", "CS0619", "these branches do not fit together")]
    [InlineData("[s => s | Twice, s => s | Print]", "CS0619", "these branches do not fit together")]
    [InlineData("[Print, PrintWord]", "CS1063", "this is no sink of the items that come here")]
    [InlineData("[Print, wordSink]", "CS1063", "this is no sink of the items that come here")]
    [InlineData("Pipe.Of<string>()", "CS0619", "this pipe takes another type of items")]
    [InlineData("wordSink", "CS0619", "this sink takes another type of items")]
    [InlineData("42", "CS0619", "a Sink, a Consecutor (behind a source), a node")]
    public void AMistakeGivesOneErrorWithAnExplanation(string right, string id, string sentence)
    {
        foreach (var left in new[] { "numbers", "Pipe.Of<int>()" })
        {
            var error = Assert.Single(Snippet.Errors(Compile($"{left} | {right}")));
            var message = error.GetMessage(System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(id, error.Id);
            Assert.Contains("SLU001: ", message, StringComparison.Ordinal);
            Assert.Contains(sentence, message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("numbers")]
    [InlineData("Feed()")]
    public void AConsecutorOfAnotherItemTypeGivesOneErrorWithAnExplanation(string left)
    {
        Assert.Empty(Snippet.Errors(Compile($"{left} | new Consecutor<int>(\"n\", s => s | Print)")));
        var error = Assert.Single(Snippet.Errors(Compile($"{left} | new Consecutor<string>(\"n\", s => s | PrintWord)")));
        var message = error.GetMessage(System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal("CS0619", error.Id);
        Assert.Contains("<int>, Consecutor<string>)", message, StringComparison.Ordinal);
        Assert.Contains("SLU001: this consecutor takes another type of items", message, StringComparison.Ordinal);
    }

    private static string? TypeOf(string expression)
    {
        var compilation = Compile(expression);
        Assert.Empty(Snippet.Errors(compilation).Select(error => error.ToString()));
        var tree = compilation.SyntaxTrees[^1];
        var variable = tree.GetRoot(TestContext.Current.CancellationToken).DescendantNodes().OfType<VariableDeclaratorSyntax>()
            .Single(declarator => declarator.Identifier.Text == "result");
        var local = (ILocalSymbol)compilation.GetSemanticModel(tree).GetDeclaredSymbol(variable, TestContext.Current.CancellationToken)!;
        return local.Type.WithNullableAnnotation(NullableAnnotation.NotAnnotated)
            .ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat);
    }

    private static Microsoft.CodeAnalysis.CSharp.CSharpCompilation Compile(string expression) => Snippet.Compile($$"""
        using Sluice;
        static class Snippet
        {
            static readonly Source<int> numbers = Source.From(new[] { 1, 2, 3 });
            {{Members}}
            static void Method()
            {
                var result = {{expression}};
            }
        }
        """);
}
