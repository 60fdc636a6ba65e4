using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Tests.Executors;

namespace Sluice.Tests.Processes;

/// <summary>Stages in worker processes. The tests use real processes, which are really killed.</summary>
[Collection("child processes")]          // these tests look for, and kill, all children of this process
[StartsProcesses]
public partial class ProcessTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static ProcessOptions Two => new() { Workers = 2, Program = WorkerProgram.Path };

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public async Task ResultsComeInTheOrderOfTheItems(ExecutionMode mode)
    {
        int count = mode == ExecutionMode.MultiThread ? 20_000 : 500;

        List<int> results = await (Numbers(count) | Pipe.InProcesses<int, int>("double", Two)).ToListAsync(new RunOptions { Mode = mode },
            Cancellation);

        Assert.Equal(Enumerable.Range(0, count).Select(n => 2 * n), results);
    }

    [Fact]
    public async Task AnItemMayHaveNoResultOrMany()
    {
        List<int> results = await (Numbers(5_000) | Pipe.InProcesses<int, int>("repeat", Two)).ToListAsync(cancellation: Cancellation);

        Assert.Equal(Enumerable.Range(0, 5_000).SelectMany(n => Enumerable.Repeat(n, n % 4)), results);
    }

    [Fact]
    public async Task ABodyMayHaveBranchesAndLanes()
    {
        List<int> branches = await (Numbers(1_000) | Pipe.InProcesses<int, int>("stages", Two)).ToListAsync(cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(1, 1_000).SelectMany(n => n % 2 == 0 ? new[] { n * 10, n } : [n * 10]), branches);

        List<int> lanes = await (Numbers(500) | Pipe.InProcesses<int, int>("lanes",
            Two with { MaxItemsPerWorker = 16 })).ToListAsync(cancellation: Cancellation);
        Assert.Equal(Enumerable.Range(0, 500), lanes);
    }

    [Fact]
    public async Task AnUnorderedStageLosesNoResult()
    {
        List<int> results = await (Numbers(10_000) | Pipe.InProcesses<int, int>("double", Two)
            | Stage.Unordered).ToListAsync(cancellation: Cancellation);

        Assert.Equal(Enumerable.Range(0, 10_000).Select(n => 2 * n), results.Order());
    }

    [Fact]
    public async Task LargeItemsComeThroughWhole()
    {
        byte[][] items = [.. Enumerable.Range(0, 40).Select(n => Noise(n, n % 4 == 0 ? 3_000_000 : n * 1_000))];

        List<byte[]> results = await (Source.From(items)
            | Pipe.InProcesses<byte[], byte[]>("bytes", Two)).ToListAsync(cancellation: Cancellation);

        Assert.Equal(items.Length, results.Count);
        Assert.All(results, (result, i) => Assert.True(items[i].AsSpan().SequenceEqual(result)));
    }

    [Fact]
    public async Task AnExceptionInTheBodyIsTheFailureOfTheItem()
    {
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(
            () => (Source.From(["a", "throw no good", "b"])
                | Pipe.InProcesses<string, string>("text", Two)).ToListAsync(cancellation: Cancellation));

        Assert.Equal("'text' failed on item throw no good: 'Obey' failed with System.FormatException: no good", failure.Message);
        WorkerException cause = Assert.IsType<WorkerException>(failure.InnerException);
        Assert.Equal(("Obey", "System.FormatException"), (cause.Node, cause.ExceptionType));
    }

    [Fact]
    public async Task AFailedItemObeysThePolicyOfTheStage()
    {
        string[] items = ["a", "throw 1", "b", "throw 2", "c"];
        Source<string> source = Source.From(items) | Pipe.InProcesses<string, string>("text", Two);

        Assert.Equal(["a", "b", "c"], await (source | Stage.OnError(ErrorPolicy.Skip)).ToListAsync(cancellation: Cancellation));

        PipelineRun? run = null;
        List<string> results = await (source | Stage.Retry(2, Backoff.None)
            .OnError(ErrorPolicy.DeadLetter)).ToListAsync(new RunOptions { OnStarted = started => run = started, TrackItems = true },
            Cancellation);
        Assert.Equal(["a", "b", "c"], results);
        Assert.Equal([("throw 1", 3), ("throw 2", 3)], run!.DeadLetters.Select(letter => ((string)letter.Item!, letter.Attempts)));
        Assert.Equal((5L, 3L, 0L, 2L, 0L), run.Snapshot().Roots is var roots
            ? (roots!.Value.Accepted, roots.Value.Completed, roots.Value.Skipped, roots.Value.Failed, roots.Value.Pending) : default);
        Assert.Equal(4, run.Snapshot()["text"].Retried);
    }

    [Fact]
    public async Task PoliciesInTheBodyApplyInTheWorker()
    {
        Assert.Equal([0, 2, 4], await (Numbers(6) | Pipe.InProcesses<int, int>("skips", Two)).ToListAsync(cancellation: Cancellation));

        Assert.Equal(["a", "b"], await (Source.From(["a", "b"])
            | Pipe.InProcesses<string, string>("attempts", Two)).ToListAsync(cancellation: Cancellation));

        PipelineRun? run = null;
        Assert.Equal([0, 2, 4], await (Numbers(6) | Pipe.InProcesses<int, int>("letters",
            Two)).ToListAsync(new RunOptions { OnStarted = started => run = started }, Cancellation));
        Assert.Equal([1, 3, 5], run!.DeadLetters.Select(letter => (int)letter.Item!));
        Assert.Equal("WorkerException: 'Even' failed with System.FormatException: 1 is odd", run.DeadLetters[0].Error);
    }

    [Fact]
    public async Task AnItemThatIsTooLargeFails()
    {
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(
            () => (Source.From([new byte[10], new byte[2_000]])
                | Pipe.InProcesses<byte[], byte[]>("bytes", Two with { MaxItemBytes = 1_000 })).ToListAsync(cancellation: Cancellation));

        Assert.Contains("The item has 2,000 bytes, the limit is 1,000 (ProcessOptions.MaxItemBytes)", failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task KillingWorkersLosesAndDoublesNoItem()
    {
        const int Count = 30_000;
        var pids = new ConcurrentDictionary<int, int>();
        var random = new Random(4711);
        int[] kills = [.. Enumerable.Range(0, 12).Select(_ => random.Next(Count)).Order()];
        int next = 0, killed = 0;
        var results = new List<int>();
        await (Numbers(Count) | Pipe.InProcesses<int, int>("double", Two) | (n =>
        {
            results.Add(n);
            while (next < kills.Length && results.Count >= kills[next])
            {
                next++;
                int[] workers = [.. WorkerProgram.Children()];
                if (workers.Length > 0 && WorkerProgram.Kill(workers[random.Next(workers.Length)])) killed++;
            }
        })).RunAsync(cancellation: Cancellation);

        Assert.Equal(Enumerable.Range(0, Count).Select(n => 2 * n), results);
        Assert.True(killed > 5, $"{killed} were killed.");
    }

    [Fact]
    public async Task AnErrorNamesTheItemThatCrashesItsWorkers()
    {
        IEnumerable<string> items = Enumerable.Range(0, 300).Select(n => n == 150 ? "die 42" : $"{n}");
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(() =>
            (Source.From(items) | Pipe.InProcesses<string, string>("text", Two)).ToListAsync(cancellation: Cancellation));
        Assert.Equal(
            "'text' failed on item die 42: The worker process has ended 3 times while it had nothing but this item to work on, the last "
                + "time with exit code 42.", failure.Message);

        PipelineRun? run = null;
        List<string> results = await (Source.From(items) | Pipe.InProcesses<string, string>("text", Two with { MaxCrashes = 1 })
            | Stage.Retry(5).OnError(ErrorPolicy.DeadLetter))
            .ToListAsync(new RunOptions { OnStarted = started => run = started }, Cancellation);
        Assert.Equal(items.Where(item => item != "die 42"), results);
        DeadLetter letter = Assert.Single(run!.DeadLetters);
        Assert.Equal(("die 42",
            "WorkerException: The worker process has ended once while it had nothing but this item to work on, the last time with exit "
                + "code 42."), (letter.Item, letter.Error));
    }

    [Fact]
    public async Task AWorkerThatDiesOnceIsReplaced()
    {
        string file = Path.GetTempFileName();
        File.Delete(file);
        string[] items = ["a", $"once {file} kill", "b"];

        Assert.Equal(items, await (Source.From(items)
            | Pipe.InProcesses<string, string>("text", Two)).ToListAsync(cancellation: Cancellation));
        File.Delete(file);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnItemThatTimesOutEndsItsWorker(bool areTimersEarly)
    {
        var clock = new TestClock();
        var results = Channel.CreateUnbounded<string>();
        await using PipelineRun run = (Source.From(["a", "hang", "b"]) | Pipe.InProcesses<string, string>("text", Two)
            | Stage.Unordered.Timeout(TimeSpan.FromSeconds(4)).OnError(ErrorPolicy.DeadLetter)
            | (text => Assert.True(results.Writer.TryWrite(text))))
            .Start(new RunOptions { Time = areTimersEarly ? new HastyTime(clock) : clock }, Cancellation);
        string[] others = [await results.Reader.ReadAsync(Cancellation), await results.Reader.ReadAsync(Cancellation)];
        Assert.Equal(["a", "b"], others.Order(StringComparer.Ordinal));
        await clock.WaitForTimersAsync(2, Cancellation);         // of both workers: one has the last item
        clock.Advance(TimeSpan.FromSeconds(4));
        await run.Completion;

        Assert.Equal("TimeoutException: The attempt took longer than 4 s. Its worker process was ended.",
            Assert.Single(run.DeadLetters).Error);
    }

    [Theory]
    [InlineData("exits", "exit code 7")]
    [InlineData("aborts", "exit code 134 (SIGABRT: an uncaught exception, or Environment.FailFast)")]
    [InlineData("never-asks", "exit code 1")]
    public async Task WorkersThatEndBeforeTheyWorkFailTheRun(string body, string how)
    {
        string file = ProcessExecutorLab.NoFile();
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(
            () => (Source.From(Items()) | Pipe.InProcesses<int, int>(body,
                Two with { MaxFailedStarts = 2, Arguments = ["after", file] })).ToListAsync(cancellation: Cancellation));
        File.Delete(file);

        Assert.StartsWith(
            $"'{body}' failed: 2 starts of a worker process in a row have failed before it got to work, the last one with {how}. 10 items wait, "
                + $"the first one is 0. The workers' program must say if (await Worker.TryRunAsWorkerAsync(args, ", failure.Message,
            StringComparison.Ordinal);

        IEnumerable<int> Items()
        {
            for (int i = 0; i < 10; i++) yield return i;
            File.WriteAllText(file, "");                         // all of them wait: the workers may end
        }
    }

    [Fact]
    public async Task AWorkerThatDoesNotConnectIsKilled()
    {
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(
            () => (Numbers(1) | Pipe.InProcesses<int, int>("never-connects",
                Two with { MaxFailedStarts = 1, Workers = 1, StartTimeout = TimeSpan.FromSeconds(1) })).ToListAsync(
                    cancellation: Cancellation));

        Assert.Contains("had not connected after 1 s", failure.Message, StringComparison.Ordinal);
        Assert.Empty(WorkerProgram.Children());
    }

    [Theory]
    [InlineData("nobody", "The program knows no body 'nobody'")]
    [InlineData("text", "The body 'text' makes string of string, and the stage wants int of int.")]
    [InlineData("remembers",
        "A distinct does not fit into a worker process: it remembers items, and would forget that when the process ends.")]
    [InlineData("chunks", "A chunk does not fit into a worker process: it ")]
    public async Task ABodyThatDoesNotFitFailsTheRunAtOnce(string body, string expected)
    {
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(
            () => (Numbers(10) | Pipe.InProcesses<int, int>(body, Two)).ToListAsync(cancellation: Cancellation));

        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnErrorNamesAMissingProgram()
    {
        PipelineException failure = await Assert.ThrowsAsync<PipelineException>(
            () => (Numbers(10) | Pipe.InProcesses<int, int>("double",
                new() { Program = "/no/such/program" })).ToListAsync(cancellation: Cancellation));

        Assert.Contains("The worker process /no/such/program cannot be started", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConsecutorDeadLettersItemsThatCrashItsWorkers()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<string>();
        await using var consecutor = new Consecutor<string>("orders",
            source => source | Pipe.InProcesses<string, string>("text", Two with { MaxCrashes = 1 }) | Stage.Unordered | seen.Add,
            new() { Store = store, Delivery = Sluice.DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 100).Select(n => n switch { 20 => "die 3", 40 => "throw it", _ => $"{n}" })],
            Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((98L, 2L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(98, seen.Distinct().Count());
        Dictionary<string, DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(Cancellation)) letters[(string)letter.Item!] = letter;
        Assert.Equal(1, letters["die 3"].Attempts);
        Assert.Equal(2, letters["throw it"].Attempts);
        await consecutor.StopAsync();
    }

    private static Source<int> Numbers(int count) => Source.Range(0, count) | (n => (int)n);

    private static byte[] Noise(int seed, int length)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
