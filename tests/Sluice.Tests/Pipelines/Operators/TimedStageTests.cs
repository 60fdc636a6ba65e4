using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>The common behavior of operators that act after a time.</summary>
public sealed class TimedStageTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    [Theory, MemberData(nameof(Modes))]
    public async Task ATickNeverOverlapsAnItemOfAnotherBranch(ExecutionMode mode)
    {
        int inside = 0;
        TaskCompletionSource? busy = null;
        async Task<int> OneAtATimeAsync(int item)
        {
            Assert.Equal(1, ++inside);
            if (busy is { } until) await until.Task;
            inside--;
            return item;
        }
        await using var run = new TimedRun<int>(mode, source => (source | [s => s.Select(n => n), s => s.Delay(Second)]) | OneAtATimeAsync);
        run.Send(1);
        busy = new TaskCompletionSource();
        run.Send(2);                                                 // item 2 is in the function that the branches share
        run.Pass(1);                                                 // the other branch has an item for that function now
        TaskCompletionSource release = busy;
        busy = null;
        release.SetResult();
        run.Rest();
        run.End();
        run.Pass(5);
        Assert.Equal("1122", string.Concat(run.Seen.Split(' ').Select(seen => seen[0]).Order()));
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AFailureBehindATickFailsTheRun(ExecutionMode mode)
    {
        static int Fragile(int n) => n == 2 ? throw new FormatException("two") : n;
        await using var run = new TimedRun<int>(mode, source => source.Delay(Second) | Fragile);
        run.Send(1, 2, 3);
        run.Pass(1);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Run.Completion);
        Assert.Equal("'Fragile' failed on item 2: two", failure.Message);
        Assert.Equal("1@1", run.Seen);
        Assert.Equal(0, run.Clock.ArmedTimers);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task AnOutdatedTickDoesNothing(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Debounce(Second));
        run.Send(1);
        run.Block();
        run.Pass(1);                                                 // the output of the tick blocks the sink
        run.Send(2);                                                 // item 2 waits in front of the stage
        run.Pass(5);
        run.Unblock();                                               // now the stage holds item 2, and the time is 6 s
        run.Pass(0.999);
        Assert.Equal("1@1", run.Seen);
        run.Pass(0.001);
        Assert.Equal("1@1 2@7", run.Seen);
    }

    [Fact]
    public async Task TimedOperatorsKeepAllItemsAndTheirOrderOnThreads()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var clock = new TestClock();
            List<int> seen = [];
            int count = random.Next(200);
            Source<int> timed = Source.From(Enumerable.Range(0, count)) | (n => n);
            if (random.Next(2) == 0) timed = timed | Stage.Buffer(random.Next(1, 4));
            timed = timed.Delay(Second / random.Next(1, 5), maxHeld: random.Next(1, 20))
                .Throttle(random.Next(1, 20), Second, random.Next(2) == 0);
            if (random.Next(2) == 0) timed = timed | Stage.Buffer(random.Next(1, 4));
            Source<int> windows = timed.Window(Second, maxItems: random.Next(1, 9)).SelectMany(window => window.Items);
            await using PipelineRun run = windows.ForEach(seen.Add)
                .Start(new RunOptions { Time = clock, TrackItems = true, MaxBufferedItems = random.Next(1, 5) });
            await ClockDriver.DriveAsync(run, clock);
            Assert.Equal(Enumerable.Range(0, count), seen);
            Assert.Equal(0, run.Snapshot().Roots!.Value.Pending);
            Assert.Equal(0, clock.ArmedTimers);
        }
    }

    [Fact]
    public async Task TimedOperatorsCanBeCancelledAtAnyTime()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var clock = new TestClock();
            int cancelAt = random.Next(100);
            PipelineRun? run = null;
            Pipeline pipeline = Source.From(Enumerable.Range(0, 1000)).Delay(Second, maxHeld: 5).Throttle(3, Second)
                .SessionWindow(Second, 2 * Second)
                .SelectMany(window => window.Items).Sample(Second / 10).ForEach(item =>
                {
                    if (item >= cancelAt) _ = Task.Run(run!.Cancel);
                });
            await using PipelineRun started = run = pipeline.Start(new RunOptions
            {
                Time = clock,
                Mode = random.Next(2) == 0 ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
            });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ClockDriver.DriveAsync(started, clock));
            Assert.Empty(run.StillRunning);
            Assert.Equal(0, clock.ArmedTimers);
        }
    }
}
