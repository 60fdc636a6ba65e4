using System.Collections.Concurrent;
using System.Runtime.Versioning;
using System.Threading.Channels;
using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Executors;

/// <summary>Stages in Python, in real child processes.</summary>
[Collection("child processes")]          // these tests look for, and kill, all children of this process
[StartsProcesses]
[UnsupportedOSPlatform("windows")]
public sealed partial class PythonStageTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static PythonStageOptions Options => new() { Python = new() { ImportPaths = [PythonLab.Package, PythonLab.Modules] } };

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public async Task ResultsComeInTheOrderOfTheItems(ExecutionMode mode)
    {
        int count = mode == ExecutionMode.MultiThread ? 20_000 : 300;
        List<int> results = await (Numbers(count) | Map<int, int>("double") | Stage.Parallel(2))
            .ToListAsync(new RunOptions { Mode = mode }, Cancellation);
        Assert.Equal(Enumerable.Range(0, count).Select(n => 2 * n), results);
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task AnUnorderedStageLosesNoResult()
    {
        List<int> results = await (Numbers(10_000) | Map<int, int>("double") | Stage.Parallel(2).Unordered)
            .ToListAsync(cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(0, 10_000).Select(n => 2 * n), results.Order());
    }

    [Fact]
    public async Task AGeneratorHasAnyNumberOfResults()
    {
        List<int> results = await (Numbers(3_000) | Map<int, int>("repeat") | Stage.Parallel(2)).ToListAsync(cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(0, 3_000).SelectMany(n => Enumerable.Repeat(n, n % 4)), results);
    }

    [Fact]
    public async Task AnAsyncFunctionWorksOnSeveralItems()
    {
        List<int> results = await (Numbers(2_000) | Map<int, int>("later", new() { MaxItemsPerWorker = 100 }))
            .ToListAsync(cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(1, 2_000), results);
    }

    [Fact]
    public async Task RecordsListsAndNullsCross()
    {
        Order[] orders = [new("ink", 1, ["a"], null), new("nib", 2, [], "\"x\"\n"), new("", int.MaxValue - 1, ["", "𝄞"], "")];
        List<Order> bills = await (Source.From(orders) | Map<Order, Order>("bill")).ToListAsync(cancellation: Cancellation);
        Assert.Equal(orders.Select(order => Text(order with
        {
            Item = order.Item.ToUpperInvariant(),
            Count = order.Count + 1,
            Tags = [.. order.Tags, "é"]
        })), bills.Select(Text));

        string[]?[] words = [["a", "bcd", "ef"], [], null];
        List<string?> longest = await (Source.From(words) | Map<string[]?, string?>("longest")).ToListAsync(cancellation: Cancellation);
        Assert.Equal(["bcd", null, null], longest);

        static string Text(Order order) => $"{order.Item} {order.Count} {string.Join(',', order.Tags)} {order.Note ?? "null"}";
    }

    [Fact]
    public async Task ParallelSaysHowManyProcessesThereAre()
    {
        Assert.Single((await (Numbers(2_000) | Map<int, int>("process")).ToListAsync(cancellation: Cancellation)).Distinct());

        // Each child waits for work of its own: all four are there at once.
        var pids = new ConcurrentDictionary<int, int>();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => (Numbers(int.MaxValue) | Map<int, int>("process")
            | Stage.Parallel(4).Unordered | (pid =>
        {
            pids[pid] = pid;
            if (pids.Count == 4) enough.Cancel();
        })).RunAsync(cancellation: enough.Token));
        Assert.Equal(4, pids.Count);
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task ABatchGetsItemsInLists()
    {
        List<double> halves = await (Source.Range(0, 20_000) | (n => (int)n + 100) | Batch<int, double>("halves") | Stage.Parallel(2))
            .ToListAsync(cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(100, 20_000).Select(n => n / 2.0), halves);

        List<int> sizes = await (Numbers(5_000) | Batch<int, int>("sizes", 100)).ToListAsync(cancellation: Cancellation);
        Assert.Equal(5_000, sizes.Count);
        Assert.InRange(sizes.Max(), 2, 100);

        List<int> small = await (Numbers(1_000) | Batch<int, int>("small_sizes", 100)).ToListAsync(cancellation: Cancellation);
        Assert.InRange(small.Max(), 2, 3);
    }

    [Fact]
    public async Task OnlyTheItemsAtFaultOfABatchFail()
    {
        PipelineRun? run = null;
        List<double> results = await (Numbers(1_000) | Batch<int, double>("halves") | Stage.OnError(ErrorPolicy.DeadLetter))
            .ToListAsync(new RunOptions { OnStarted = started => run = started }, Cancellation);
        Assert.Equal(Enumerable.Range(0, 1_000).Where(n => n is not (13 or 14)).Select(n => n / 2.0), results);
        Assert.Equal([13, 14], run!.DeadLetters.Select(letter => (int)letter.Item!));
        Assert.Contains("ValueError: thirteen", run.DeadLetters[0].Error, StringComparison.Ordinal);
        Assert.Contains(
            "The worker process has ended 3 times while it had nothing but this item to work on, the last time with exit code 9",
            run.DeadLetters[1].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnExceptionIsTheFailureOfTheItemWithItsTraceback()
    {
        PipelineException failure = await FailAsync(Source.From(["a", "raise no good", "b"]) | Map<string, string>("text"));
        Assert.StartsWith("'stages:text' failed on item raise no good: 'text' failed with ValueError: no good\nTraceback (most recent call "
            + "last):\n  File \"", failure.Message, StringComparison.Ordinal);
        Assert.Contains("stages.py\", line ", failure.Message, StringComparison.Ordinal);
        WorkerException cause = Assert.IsType<WorkerException>(failure.InnerException);
        Assert.Equal(("text", "ValueError"), (cause.Node, cause.ExceptionType));
    }

    [Fact]
    public async Task AFailedItemObeysThePolicyOfTheStage()
    {
        Source<string> source = Source.From(["a", "raise 1", "b"]) | Map<string, string>("text");
        Assert.Equal(["a", "b"], await (source | Stage.OnError(ErrorPolicy.Skip)).ToListAsync(cancellation: Cancellation));

        PipelineRun? run = null;
        Assert.Equal(["a", "b"], await (source | Stage.Retry(2, Backoff.None).OnError(ErrorPolicy.DeadLetter))
            .ToListAsync(new RunOptions { OnStarted = started => run = started }, Cancellation));
        DeadLetter letter = Assert.Single(run!.DeadLetters);
        Assert.Equal(("raise 1", 3), (letter.Item, letter.Attempts));
        Assert.StartsWith("WorkerException: 'text' failed with ValueError: 1", letter.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnItemThatTimesOutEndsItsChild()
    {
        var clock = new TestClock();
        var results = Channel.CreateUnbounded<string>();
        await using PipelineRun run = (Source.From(["a", "hang", "b"]) | Map<string, string>("text")
            | Stage.Parallel(2).Unordered.Timeout(TimeSpan.FromSeconds(4)).OnError(ErrorPolicy.DeadLetter)
            | (text => Assert.True(results.Writer.TryWrite(text)))).Start(new RunOptions { Time = clock }, Cancellation);
        string[] others = [await results.Reader.ReadAsync(Cancellation), await results.Reader.ReadAsync(Cancellation)];
        Assert.Equal(["a", "b"], others.Order(StringComparer.Ordinal));
        await clock.WaitForTimersAsync(2, Cancellation);         // of both children: one has the last item
        clock.Advance(TimeSpan.FromSeconds(4));
        await run.Completion;
        Assert.StartsWith("TimeoutException: The attempt took longer than 4 s. Its worker process was ended.",
            Assert.Single(run.DeadLetters).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not_a_number",
        "3: 'not_a_number' failed with PayloadError: The result 0 (from 0), of the type float, cannot be written: ")]
    [InlineData("unknown", "3: 'unknown' failed with PayloadError: The result 0 (from 0), of the type object, cannot be written: ")]
    [InlineData("nothing", "0: 'nothing' failed with PayloadError: The result 0 (from 0), of the type NoneType, cannot be written: ")]
    [InlineData("listed", "0: A result of the body 'stages:listed' cannot be read: ")]
    public async Task AValueThatCannotCrossFailsItsItem(string function, string expected)
        => Assert.StartsWith($"'stages:{function}' failed on item {expected}",
            (await FailAsync(Numbers(10) | Map<int, double>(function))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task ABatchWithTooFewResultsFailsItsItems()
        => Assert.Matches("'short' failed with ResultCountError: the function of the stage short has returned [0-9] results? for "
            + "[0-9]+ items?: return a list with one result for each$", (await FailAsync(Numbers(10) | Batch<int, int>("short"))).Message);

    [Fact]
    public async Task AnItemThatIsTooLargeFails()
        => Assert.Contains("The item has 2,002 bytes, the limit is 1,000 (ProcessOptions.MaxItemBytes)",
            (await FailAsync(Source.From([new string('a', 2_000)]) | Map<string, string>("text", new() { MaxItemBytes = 1_000 }))).Message,
            StringComparison.Ordinal);

    private static Source<int> Numbers(int count) => Source.Range(0, count) | (n => (int)n);

    private static Pipe<TIn, TOut> Map<TIn, TOut>(string function, ProcessOptions? process = null)
        => Python.Map<TIn, TOut>($"stages:{function}", Options with { Process = process ?? new() });

    private static Pipe<TIn, TOut> Batch<TIn, TOut>(string function, int maxItems = 128)
        => Python.Batch<TIn, TOut>($"stages:{function}", maxItems, Options);

    private static async Task<PipelineException> FailAsync<T>(Source<T> source)
        => await Assert.ThrowsAsync<PipelineException>(() => source.ToListAsync(cancellation: Cancellation));

    internal sealed record Order(string Item, int Count, List<string> Tags, string? Note);
}
