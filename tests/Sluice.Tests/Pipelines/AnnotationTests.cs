using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Tests.Pipelines.Operators;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

public sealed class AnnotationTests
{
    private readonly TestClock clock = new();
    private readonly QueueScheduler scheduler = new();

    [Fact]
    public async Task AParallelStageUsesAllItsLanesAndKeepsTheOrder()
    {
        int started = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<int> seen = [];
        Source<int> stage = Source.From([3, 2, 1, 0]).SelectAsync(async (n, cancellation) =>
        {
            if (Interlocked.Increment(ref started) == 4) all.SetResult();
            await all.Task.WaitAsync(cancellation);              // no call continues before all four are here
            for (int i = 0; i < n; i++) await Task.Yield();
            return n;
        }) | Stage.Parallel(4);
        await stage.ForEach(seen.Add).RunAsync();
        Assert.Equal([3, 2, 1, 0], seen);
    }

    [Fact]
    public async Task AParallelStageNeverExceedsItsLanes()
    {
        int inside = 0, most = 0;
        Source<int> stage = Source.From(Enumerable.Range(0, 2000)).SelectAsync(async (n, _) =>
        {
            int now = Interlocked.Increment(ref inside);
            for (int known; (known = most) < now;) Interlocked.CompareExchange(ref most, now, known);
            await Task.Yield();
            Interlocked.Decrement(ref inside);
            return n;
        }) | Stage.Parallel(3);
        await stage.ForEach(_ => { }).RunAsync();
        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task UnorderedLetsAnItemOvertakeASlowerOne()
    {
        var overtaken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<int> seen = [];
        Source<int> stage = Source.From([0, 1]).SelectAsync(async (n, cancellation) =>
        {
            if (n == 0) await overtaken.Task.WaitAsync(cancellation);
            return n;
        }) | Stage.Parallel(2).Unordered;
        await stage.ForEach(n =>
        {
            seen.Add(n);
            overtaken.TrySetResult();
        }).RunAsync();
        Assert.Equal([1, 0], seen);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread, 1)]
    [InlineData(ExecutionMode.MultiThread, 1)]
    [InlineData(ExecutionMode.MultiThread, 4)]
    public async Task TheOutputOfAFailedAttemptIsDiscarded(ExecutionMode mode, int lanes)
    {
        int[] attempts = new int[100];
        List<int> seen = [];
        IEnumerable<int> Twice(int n)
        {
            yield return n;
            if (++attempts[n] <= n % 3) throw new FormatException("again");
            yield return n;
        }
        Source<int> stage = Source.From(Enumerable.Range(0, 100)).SelectMany(Twice) | Stage.Retry(2, Backoff.None).Parallel(lanes);
        RunSnapshot end = await stage.ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode, TrackItems = true });
        Assert.Equal(Enumerable.Range(0, 100).SelectMany(n => new[] { n, n }), seen);
        NodeSnapshot node = end["Twice"];
        Assert.Equal((100L, 200L, 0L, 0L, 99L), (node.In, node.Out, node.Skipped, node.Failed, node.Retried));
        Assert.Equal(new ItemCounts(100, 100, 0, 0, 0), end.Roots);
    }

    [Fact]
    public async Task RetriesWaitAsLongAsTheBackoffSays()
    {
        List<int> attempts = [];
        int Fragile(int n)
        {
            attempts.Add(Seconds());
            throw new FormatException("no");
        }
        Source<int> stage = Source.From([7]).Select(Fragile) | Stage.Retry(3, Backoff.Exponential(TimeSpan.FromSeconds(1), jitter: 0));
        var failure = await Assert.ThrowsAsync<PipelineException>(() => PlayAsync(stage.ForEach(_ => { }), 100));
        Assert.Equal([0, 1, 3, 7], attempts);
        Assert.Equal("'Fragile' failed on item 7: no", failure.Message);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task SkippedFailuresAreCountedAndTheRunGoesOn(ExecutionMode mode)
    {
        List<int> seen = [];
        Source<int> stage = Source.From(Enumerable.Range(0, 10)).Select(ThirdsFail) | Stage.OnError(ErrorPolicy.Skip);
        RunSnapshot end = await stage.ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode, TrackItems = true });
        Assert.Equal([1, 2, 4, 5, 7, 8], seen);
        NodeSnapshot node = end[nameof(ThirdsFail)];
        Assert.Equal((10L, 6L, 0L, 4L, 0L), (node.In, node.Out, node.Skipped, node.Failed, node.Retried));
        Assert.Equal(new ItemCounts(10, 6, 0, 4, 0), end.Roots);
    }

    [Fact]
    public async Task ADeadLetterNamesItemNodeAndAttempts()
    {
        Pipeline pipeline = (Source.From([1, 3, 6, 9]).Select(ThirdsFail) | Stage.Retry(1, Backoff.None)
            .OnError(ErrorPolicy.DeadLetter)).ForEach(_ => { });
        await using PipelineRun run = pipeline.Start(new RunOptions { MaxDeadLetters = 2, Time = clock });
        await run.Completion;
        Assert.Equal(["6 failed in ThirdsFail after 2 attempts: a third", "9 failed in ThirdsFail after 2 attempts: a third"],
            run.DeadLetters.Select(letter => $"{letter}"));
        Assert.All(run.DeadLetters, letter => Assert.IsType<FormatException>(letter.Exception));
        Assert.Equal(3, run.Snapshot()[nameof(ThirdsFail)].Failed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnAttemptThatExceedsItsTimeoutFails(bool honoursItsToken)
    {
        List<string> log = [];
        async ValueTask<int> Slow(int n, CancellationToken cancellation)
        {
            log.Add($"{Seconds()}: try {n}");
            if (n == 1) await (honoursItsToken ? Task.Delay(Timeout.InfiniteTimeSpan, cancellation) : new TaskCompletionSource().Task);
            return n;
        }
        Source<int> stage = Source.From([1, 2]).SelectAsync(Slow)
            | Stage.Timeout(TimeSpan.FromSeconds(5)).Retry(1, Backoff.None).OnError(ErrorPolicy.DeadLetter);
        await using PipelineRun run = await PlayAsync(stage.ForEach(n => log.Add($"{Seconds()}: done {n}")), 20);
        // An attempt that does not stop gets one second to notice before the stage abandons it.
        Assert.Equal(honoursItsToken ? ["0: try 1", "5: try 1", "10: try 2", "10: done 2"]
            : ["0: try 1", "6: try 1", "12: try 2", "12: done 2"], log);
        DeadLetter letter = Assert.Single(run.DeadLetters);
        Assert.IsType<TimeoutException>(letter.Exception);
        Assert.Equal((1, 2), (letter.Item, letter.Attempts));
        Assert.Equal("The attempt took longer than 5 s" + (honoursItsToken ? "." : ", and did not stop when its token was cancelled."),
            letter.Exception.Message);
        Assert.Equal(honoursItsToken ? [] : ["Slow"], run.StillRunning);
        NodeSnapshot node = run.Snapshot()["Slow"];
        Assert.Equal((2L, 1L, 1L, 1L), (node.In, node.Out, node.Failed, node.Retried));
    }

    [Fact]
    public async Task AnAttemptWithinItsTimeoutSucceeds()
    {
        List<string> log = [];
        Source<int> stage = Source.From([1]).SelectAsync(async (n, cancellation) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(4), clock, cancellation);
            return n;
        }) | Stage.Timeout(TimeSpan.FromSeconds(5));
        await PlayAsync(stage.ForEach(n => log.Add($"{Seconds()}: {n}")), 10);
        Assert.Equal(["4: 1"], log);
    }

    [Fact]
    public void LanesAreRefusedWhereTheyDoNotFit()
    {
        Source<string> keyed = Source.From(["a"]) | Stage.KeyBy((string s) => s, lanes: 4);
        var writer = Assert.Throws<InvalidOperationException>(() => keyed | Sink.Lines(TextWriter.Null));
        Assert.Contains("every lane would have one of its own", writer.Message, StringComparison.Ordinal);
        var both = Assert.Throws<InvalidOperationException>(() => keyed | (s => s) | Stage.Parallel(2));
        Assert.Contains("runs in lanes by key already", both.Message, StringComparison.Ordinal);
        var source = Assert.Throws<InvalidOperationException>(() => Source.From([1]) | Stage.Parallel(2));
        Assert.DoesNotContain("KeyBy", source.Message, StringComparison.Ordinal);
        Assert.Contains("by key, 4 lanes", (keyed | (s => s) | (_ => { })).Topology.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AGivenNameAppearsInTheTopologyAndInFailures()
    {
        Pipeline pipeline = (Source.From([3]).Select(ThirdsFail) | Stage.Named("thirds")).ForEach(_ => { });
        Assert.Equal("thirds", pipeline.Topology.Find("thirds").Name);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync());
        Assert.Equal("thirds", failure.Node);
    }

    [Fact]
    public void AGivenNameIsRefusedTheSecondTime()
    {
        Source<int> once = Source.From([3]).Select(n => n) | Stage.Named("thirds");
        Pipeline twice = (once.Select(n => n) | Stage.Named("thirds")).ForEach(_ => { });
        Assert.Contains("thirds", Assert.Throws<InvalidTopologyException>(() => { _ = twice.Start(); }).Message, StringComparison.Ordinal);

        twice = ((Source.From([3]) | Stage.Named("numbers")).Select(n => n) | Stage.Named("numbers")).ForEach(_ => { });
        Assert.StartsWith("The pipeline that begins with 'numbers' is not valid: Two nodes were given the name \"numbers\": ",
            Assert.Throws<InvalidTopologyException>(() => twice.Topology).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALoggedStageReportsItsInputsAndOutputs()
    {
        List<ItemLogEntry> log = [];
        Source<int> stage = Source.From([1, 2]).Where(n => n > 1) | Stage.Named("large").Log(log.Add);
        await stage.ForEach(_ => { }).RunAsync(new RunOptions { Time = clock, Mode = ExecutionMode.SingleThread });
        Assert.Equal(["> large: 1", "> large: 2", "< large: 2"], log.Select(line => $"{line}"));
        Assert.All(log, line => Assert.Equal(clock.GetUtcNow(), line.At));
    }

    [Theory]
    [InlineData(false, ExecutionMode.SingleThread, 1)]
    [InlineData(true, ExecutionMode.SingleThread, 1)]
    [InlineData(true, ExecutionMode.MultiThread, 3)]
    public async Task ALogThatThrowsFailsTheNodeThatIsLogged(bool atOutput, ExecutionMode mode, int lanes)
    {
        Source<int> logged = (Source.From([7]) | Stage.Named("first")).Select(n => n + 1) | Stage.Named("logged").Parallel(lanes).Log(
            line => _ = line.IsOutput == atOutput ? throw new IOException("the log is full") : 0);
        PipelineRun run = logged.ForEach(_ => { }).Start(new RunOptions { Mode = mode, TrackItems = true });
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Equal(("logged", atOutput ? 8 : 7, "the log is full"), (failure.Node, failure.Item, failure.InnerException!.Message));
        NodeSnapshot node = run.Snapshot()["logged"];
        Assert.Equal((1, 0, 1), (node.In, node.Out, node.Failed));
        Assert.Equal(new ItemCounts(1, 0, 0, 1, 0), run.Snapshot().Roots);
    }

    public static TheoryData<string, Func<object>> Misfits => new()
    {
        { "remembers the result so far", () => Source.From([1]).Scan(0, (sum, n) => sum + n) | Stage.Parallel(2) },
        { "remembers what it has seen", () => Source.From([1]).Distinct() | Stage.Retry(1) },
        { "counts what goes by", () => Source.From([1]).Take(1) | Stage.Retry(1) },
        { "is synchronous", () => Source.From([1]).Select(n => n) | Stage.Timeout(TimeSpan.FromSeconds(1)) },
        { "a sink puts nothing out", () => Source.From([1]).ForEach(_ => { }) | Stage.Buffer(1) },
        { "takes from several inputs", () => Source.Merge(Source.From([1])) | Stage.Parallel(2) },
        { "a zip is not a function", () => Source.From([1]).Zip(Source.From([1]), (a, b) => a + b) | Stage.OnError(ErrorPolicy.Skip) },
        { "where a pipe begins", () => Pipe.Of<int>() | Stage.Parallel(2) },
        { "stands before the stage", () => Source.From([1]) | Stage.KeyBy((int n) => n, lanes: 2) | Stage.Retry(1) },
    };

    [Theory]
    [MemberData(nameof(Misfits), DisableDiscoveryEnumeration = true)]
    public void AnAnnotationThatDoesNotFitIsRefusedWithAReason(string reason, Func<object> misfit)
        => Assert.Contains(reason, Assert.Throws<InvalidOperationException>(misfit).Message, StringComparison.Ordinal);

    private static int ThirdsFail(int n) => n % 3 == 0 ? throw new FormatException("a third") : n;

    private int Seconds() => (int)TimeSpan.FromTicks(clock.GetTimestamp()).TotalSeconds;

    /// <summary>Runs on this thread, in virtual time.</summary>
    private async Task<PipelineRun> PlayAsync(Pipeline pipeline, int seconds)
    {
        PipelineRun run = pipeline.Start(new RunOptions { Time = clock, Scheduler = scheduler });
        await clock.AdvanceAsync(TimeSpan.FromSeconds(seconds), settle: () =>
        {
            scheduler.RunUntilIdle();
            return Task.CompletedTask;
        });
        await run.Completion;
        return run;
    }
}
