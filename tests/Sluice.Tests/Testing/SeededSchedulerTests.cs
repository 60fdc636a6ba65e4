using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Testing;

public class SeededSchedulerTests
{
    private static RunOptions On(SeededScheduler scheduler, TestClock? clock = null)
        => new() { Scheduler = scheduler, Time = clock ?? new TestClock(), Seed = scheduler.Seed, StopTimeout = TimeSpan.FromSeconds(1) };

    /// <summary>A pipeline with everything that switches threads: buffers, lanes, a merge, awaits in user code, timers, retries.</summary>
    private static async Task<string> TraceOfARacyPipelineAsync(int seed)
    {
        var (scheduler, clock) = (new SeededScheduler(seed), new TestClock());
        List<string> trace = [];
        int attempts = 0;
        async IAsyncEnumerable<int> Ticks()
        {
            for (int i = 0; i < 5; i++)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), clock);
                yield return 100 + i;
            }
        }
        async Task<int> WorkAsync(int n, CancellationToken cancellation)
        {
            trace.Add($"start {n}");
            await Task.Yield();
            if (n % 5 == 3 && attempts++ < 2) throw new FormatException("again");
            if (n % 4 == 1) await Task.Delay(TimeSpan.FromMilliseconds(700), clock, cancellation);
            trace.Add($"end {n}");
            return n;
        }
        Pipeline pipeline = Source.Merge(Source.From(Enumerable.Range(0, 12)) | (n => n) | Stage.Buffer(2), Source.From(Ticks()))
            | WorkAsync | Stage.Parallel(3).Unordered.Retry(2).Timeout(TimeSpan.FromSeconds(5)) | Stage.Buffer(2)
            | (n => trace.Add($"out {n}"));
        RunSnapshot end = await scheduler.RunToEndAsync(pipeline.Start(On(scheduler, clock)), clock, TimeSpan.Zero);
        Assert.Equal(17, trace.Count(line => line.StartsWith("out", StringComparison.Ordinal)));
        Assert.Equal(RunStatus.Completed, end.Status);
        return string.Join(", ", trace) + $" in {scheduler.Steps} steps";
    }

    [Fact]
    public async Task ASeedReproducesItsInterleavingAndOtherSeedsDiffer()
    {
        HashSet<string> traces = [];
        for (int seed = 0; seed < 20; seed++)
        {
            string first = await TraceOfARacyPipelineAsync(seed);
            Assert.Equal(first, await TraceOfARacyPipelineAsync(seed));
            traces.Add(first);
        }
        Assert.True(traces.Count > 10, $"20 seeds made only {traces.Count} different interleavings.");
    }

    [Fact]
    public async Task ARunExecutesOnTheThreadThatDrivesTheScheduler()
    {
        var (scheduler, clock) = (new SeededScheduler(7), new TestClock());
        HashSet<int> threads = [];
        async Task<int> HopAsync(int n, CancellationToken cancellation)
        {
            await Task.Yield();
            lock (threads) threads.Add(Environment.CurrentManagedThreadId);
            await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellation);
            lock (threads) threads.Add(Environment.CurrentManagedThreadId);
            return n;
        }
        Pipeline pipeline = Source.From(Enumerable.Range(0, 50)) | HopAsync | Stage.Parallel(4) | Stage.Buffer(3) | (_ => { });
        PipelineRun run = pipeline.Start(On(scheduler, clock));
        while (!run.Completion.IsCompleted)
        {
            scheduler.RunUntilIdle();
            if (clock.NextDue is { } due) clock.SetUtcNow(due);
        }
        await run.Completion;
        Assert.Single(threads);
    }

    [Fact]
    public async Task AStalledRunFailsAndNamesWhatItsNodesWaitFor()
    {
        var scheduler = new SeededScheduler(1);
        var never = new TaskCompletionSource();
        Pipeline pipeline = Source.From(Enumerable.Range(0, 100)) | (n => n) | Stage.Named("head").Buffer(4)
            | (async (int _, CancellationToken cancellation) => await never.Task.WaitAsync(cancellation)) | Stage.Named("stuck");
        PipelineRun run = pipeline.Start(On(scheduler));
        var stall = await Assert.ThrowsAsync<InvalidOperationException>(() => scheduler.RunToEndAsync(run, new TestClock(), TimeSpan.Zero));
        Assert.Contains("stalled (seed 1", stall.Message, StringComparison.Ordinal);
        Assert.True(stall.Message.Contains("blocked on head -> stuck", StringComparison.Ordinal), stall.Message);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
    }

    /// <remarks>It said "has stalled" above a snapshot that said "Completed".</remarks>
    [Fact]
    public async Task ARunThatIsOnAnotherSchedulerIsSaidToBe()
    {
        var never = new TaskCompletionSource();
        PipelineRun run = (Source.Of(1)
            | (async (int _, CancellationToken cancellation) => await never.Task.WaitAsync(cancellation))).Start();
        var stall = await Assert.ThrowsAsync<InvalidOperationException>(
            () => new SeededScheduler(1).RunToEndAsync(run, maxWait: TimeSpan.Zero));
        Assert.Contains("start the run with new RunOptions { Scheduler = scheduler }", stall.Message, StringComparison.Ordinal);
        PipelineRun quick = (Source.Of(1) | (static _ => { })).Start();
        await quick.Completion;
        await new SeededScheduler(1).RunToEndAsync(quick, maxWait: TimeSpan.Zero);
    }

    /// <summary>A periodic timer is always armed: time alone does not show that a run goes on.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ARunThatStallsBesideAPeriodicTimerFails(bool worksEachTime)
    {
        var (scheduler, clock) = (new SeededScheduler(1), new TestClock());
        var never = new TaskCompletionSource();
        await using ITimer timer = clock.CreateTimer(static _ => { }, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        Pipeline pipeline = Source.Of(1) | StuckAsync | Stage.Named("stuck") | (_ => { });
        PipelineRun run = pipeline.Start(On(scheduler, clock));
        var stall = await Assert.ThrowsAsync<InvalidOperationException>(() => scheduler.RunToEndAsync(run, clock, TimeSpan.Zero));
        Assert.Contains("stalled (seed 1", stall.Message, StringComparison.Ordinal);
        Assert.Contains("timers have fired 1,000,000 times", stall.Message, StringComparison.Ordinal);
        Assert.Contains("stuck", stall.Message, StringComparison.Ordinal);

        async Task<int> StuckAsync(int n, CancellationToken cancellation)
        {
            if (!worksEachTime) await never.Task.WaitAsync(cancellation);
            while (true) await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellation);
        }
    }

    [Fact]
    public async Task WorkThatStallsBesideAPeriodicTimerFails()
    {
        var (scheduler, clock) = (new SeededScheduler(1), new TestClock());
        var never = new TaskCompletionSource();
        await using ITimer timer = clock.CreateTimer(static _ => { }, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var stall = await Assert.ThrowsAsync<InvalidOperationException>(()
            => scheduler.RunToEndAsync(async () => await never.Task, clock, TimeSpan.Zero));
        Assert.Contains("The work has stalled (seed 1", stall.Message, StringComparison.Ordinal);
        Assert.Contains("timers have fired 1,000,000 times", stall.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunThatExceedsTheStepLimitFails()
    {
        var scheduler = new SeededScheduler(1) { StepLimit = 1000 };
        async Task SpinAsync(int _)
        {
            while (true) await Task.Yield();
        }
        Pipeline pipeline = Source.Of(1) | SpinAsync;
        Assert.Contains("1000 steps", Assert.Throws<InvalidOperationException>(() => pipeline.Start(On(scheduler))).Message,
            StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task TheSchedulerWaitsForPoolWorkAndResumesInItsContext()
    {
        var scheduler = new SeededScheduler(3);
        async Task<int> OutsideAsync(int n)
        {
            await Task.Run(() => { });
            Assert.NotNull(SynchronizationContext.Current);
            return n;
        }
        List<int> seen = [];
        Pipeline pipeline = Source.From(Enumerable.Range(0, 50)) | OutsideAsync | Stage.Parallel(4) | seen.Add;
        await scheduler.RunToEndAsync(pipeline.Start(On(scheduler)), maxWait: Timeout.InfiniteTimeSpan);
        Assert.Equal(Enumerable.Range(0, 50), seen);
    }

    [Fact]
    public async Task DisposingDrivesARunCancelledAtAnyStepToItsEnd()
    {
        for (int step = 1; step < 60; step++)
        {
            var scheduler = new SeededScheduler(step);
            PipelineRun? run = null;
            int at = step;
            scheduler.BeforeStep = now =>
            {
                if (now == at) _ = run!.CancelAsync();
            };
            Pipeline pipeline = Source.From(Enumerable.Range(0, 1000)) | (async (int n) =>
            {
                await Task.Yield();
                return n;
            }) | Stage.Parallel(2) | Stage.Buffer(1) | (_ => { });
            await using (run = pipeline.Start(On(scheduler) with { OnStarted = started => run = started })) { }
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
            Assert.Empty(run.StillRunning);
        }
    }

    [Fact]
    public async Task TheDeadlineOfADrainCancelsTheRunByTheTestClock()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var (scheduler, clock) = (new SeededScheduler(seed), new TestClock());
            var sink = new SinkProbe<int>();
            sink.Block();
            PipelineRun run = (Source.From(Enumerable.Range(0, 1000)) | (n => n) | Stage.Buffer(5) | sink.Sink).Start(On(scheduler, clock));
            Task<bool> drained = run.StopAsync(TimeSpan.FromSeconds(10));
            scheduler.RunUntilIdle();
            clock.Advance(TimeSpan.FromSeconds(9));
            scheduler.RunUntilIdle();
            Assert.False(run.Completion.IsCompleted);
            clock.Advance(TimeSpan.FromSeconds(1));
            scheduler.RunUntilIdle();
            Assert.True(run.Completion.IsCanceled);
            Assert.False(await drained);
        }
    }
}
