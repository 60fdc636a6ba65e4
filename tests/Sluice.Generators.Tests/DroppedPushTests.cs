using System.Globalization;
using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

public class DroppedPushTests
{
    [Theory]
    [InlineData("for (int n = 0; n < item; n++) [|output.PushAsync(n)|];")]
    [InlineData("[|output.PushAsync(Other, \"text\")|];")]
    [InlineData("[|output?.PushAsync(1)|];")]
    [InlineData("[|output.PushAsync(1).AsTask()|];")]
    [InlineData("[|output.PushAsync(1).Preserve().ConfigureAwait(false)|];")]
    [InlineData("[|output?.PushAsync(1).AsTask()|];")]
    [InlineData("var push = [|output.PushAsync(1)|];")]
    [InlineData("new List<int> { 1, 2 }.ForEach(n => [|output.PushAsync(n)|]);")]
    [InlineData("Task.Run(() => { [|output.PushAsync(1)|]; });")]
    public async Task ADroppedPushIsAWarning(string statements)
    {
        var report = Assert.Single(await CheckAsync(statements));
        Assert.Equal(DiagnosticSeverity.Warning, report.Severity);
        Assert.Contains("write 'await output", report.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("await output.PushAsync(1); await output.PushAsync(Other, \"text\");")]
    [InlineData("ValueTask push = output.PushAsync(1); if (!push.IsCompletedSuccessfully) await push;")]
    [InlineData("await Task.WhenAll(output.PushAsync(1).AsTask(), output.PushAsync(2).AsTask());")]
    [InlineData("List<Task> all = []; all.Add(output.PushAsync(1).AsTask()); await Task.WhenAll(all);")]
    [InlineData("async Task Twice() { await output.PushAsync(1); } await Twice(); ValueTask Once() => output.PushAsync(2); await Once();")]
    [InlineData("_ = output.PushAsync(1);")]
    [InlineData("output.PushAsync(1).AsTask().Wait();")]
    [InlineData("output.PushAsync(1).GetAwaiter().GetResult();")]
    [InlineData("output.PushAsync(1).AsTask().ContinueWith(_ => { });")]
    public async Task AnAwaitedStoredOrDiscardedPushIsNotReported(string statements) => Assert.Empty(await CheckAsync(statements));

    [Theory]
    [InlineData("await foreach (int n in numbers.StreamAsync(cancellation)) [|doubles.WriteAsync(2 * n, cancellation)|];")]
    [InlineData("[|doubles.WriteAsync(1).AsTask()|];")]
    [InlineData("var write = [|doubles.WriteAsync(1)|];")]
    [InlineData("new List<int> { 1, 2 }.ForEach(n => [|doubles.WriteAsync(n)|]);")]
    public async Task ADroppedWriteOfAProcessorIsAWarning(string statements)
    {
        var report = Assert.Single(await CheckProcessorAsync(statements));
        Assert.Contains("write 'await doubles.WriteAsync(", report.GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("await foreach (int n in numbers.StreamAsync(cancellation)) await doubles.WriteAsync(2 * n, cancellation);")]
    [InlineData("await Task.WhenAll(doubles.WriteAsync(1).AsTask(), doubles.WriteAsync(2).AsTask());")]
    [InlineData("_ = doubles.WriteAsync(1);")]
    [InlineData("System.IO.TextWriter.Null.WriteAsync('c').Wait();")]
    public async Task AnAwaitedOrDiscardedWriteIsNotReported(string statements) => Assert.Empty(await CheckProcessorAsync(statements));

    [Theory]
    [InlineData("Source.Create<int>((push, _) => { for (int i = 0; i < 9; i++) [|push(i)|]; return Task.CompletedTask; })")]
    [InlineData("Source.Create<int>(async (push, _) => { [|push(1).AsTask()|]; await push(2); })")]
    [InlineData("Source.Create<int>(async (push, _) => { var pushed = [|push(1)|]; await Task.Yield(); })")]
    [InlineData("Source.Create<int>(async (push, _) => { numbers.ForEach(n => [|push(n)|]); await Task.Yield(); }, capacity: 2)")]
    public async Task ADroppedPushOfACreatedSourceIsAWarning(string source)
    {
        var report = Assert.Single(await CheckSourceAsync(source));
        Assert.Contains("The task of 'push' is dropped: write 'await push(", report.GetMessage(CultureInfo.InvariantCulture),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Source.Create<int>(async (push, cancellation) => { await push(1); _ = push(2); })")]
    [InlineData("Source.Create<int>((push, _) => push(1).AsTask())")]
    [InlineData("Source.Create<int>((push, _) => Task.WhenAll(numbers.Select(n => push(n).AsTask())))")]
    [InlineData("Other(push => { push(1); })")]
    public async Task AnAwaitedOrDiscardedPushOfACreatedSourceIsNotReported(string source)
        => Assert.Empty(await CheckSourceAsync(source));

    private static Task<System.Collections.Immutable.ImmutableArray<Diagnostic>> CheckSourceAsync(string source)
        => Snippet.CheckAsync<DroppedPushAnalyzer>($$"""
        using Sluice;
        static class Sources
        {
            static readonly List<int> numbers = [1, 2, 3];
            static Source<int> Other(Action<Func<int, ValueTask>> start) => Source.From(numbers);
            static Source<int> Make() => {{source}};
        }
        """, "SLU009");

    private static Task<System.Collections.Immutable.ImmutableArray<Diagnostic>> CheckProcessorAsync(string statements)
        => Snippet.CheckAsync<DroppedPushAnalyzer>($$"""
        using Sluice.Flows;
        static class Functions
        {
            static async Task DoubleAsync(IO<int> numbers, IOWriter<int> doubles, CancellationToken cancellation)
            {
                await Task.Yield();
                {{statements}}
            }
        }
        """, "SLU009");

    private static Task<System.Collections.Immutable.ImmutableArray<Diagnostic>> CheckAsync(string statements)
        => Snippet.CheckAsync<DroppedPushAnalyzer>($$"""
        using Sluice;
        sealed class Pushing : StageNode<int, int>
        {
            public NamedOutput<string> Other { get; } = new("other");
            protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            {
                await Task.Yield();
                {{statements}}
            }
        }
        """, "SLU009");
}
