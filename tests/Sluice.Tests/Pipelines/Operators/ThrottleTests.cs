using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class ThrottleTests : OperatorContract<int>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<ExecutionMode> Modes => [ExecutionMode.SingleThread, ExecutionMode.MultiThread];

    protected override string Kind => "throttle";

    protected override Source<int> Apply(Source<int> source) => source.Throttle(10, Second);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Throttle(10, Second);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items;

    protected override Task DriveAsync(PipelineRun run, TestClock clock) => ClockDriver.DriveAsync(run, clock);

    [Theory, MemberData(nameof(Modes))]
    public async Task ABurstGoesThroughAndTheRestWaits(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Throttle(2, Second));
        run.Send(1, 2, 3, 4, 5);
        Assert.Equal("1@0 2@0", run.Seen);
        run.Pass(0.999);
        Assert.Equal("1@0 2@0", run.Seen);
        run.Pass(2);
        Assert.Equal("1@0 2@0 3@1 4@1 5@2", run.Seen);
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ASmoothThrottleSpreadsTheItems(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Throttle(2, Second, smooth: true));
        run.Send(1, 2, 3);
        run.Pass(1.25);
        run.Send(4);
        run.Pass(10);
        Assert.Equal("1@0 2@0.5 3@1 4@1.5", run.Seen);
    }

    [Theory]
    [InlineData(false, "1@5 2@5 3@6 4@6 5@7")]
    [InlineData(true, "1@5 2@5.5 3@6 4@6.5 5@7")]
    public async Task UnusedCapacityIsNotSavedUp(bool smooth, string expected)
    {
        await using var run = new TimedRun<int>(ExecutionMode.SingleThread, source => source.Throttle(2, Second, smooth));
        run.Pass(5);
        run.Send(1, 2, 3, 4, 5);
        run.Pass(5);
        Assert.Equal(expected, run.Seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnyPeriodHasAtMostTheAllowedItems(bool smooth)
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            int items = random.Next(1, 6);
            List<TimeSpan> times = [];
            TestClock? clock = null;
            await using var run = new TimedRun<int>(ExecutionMode.MultiThread, source => source.Throttle(items, Second, smooth).Select(n =>
            {
                times.Add(clock!.GetUtcNow().TimeOfDay);
                return n;
            }));
            clock = run.Clock;
            for (int i = 0; i < 30; i++)
            {
                run.Send(Enumerable.Range(0, random.Next(4)));
                run.Pass(random.Next(1000) / 1000.0);
            }
            for (int i = items; i < times.Count; i++) Assert.True(times[i] - times[i - items] >= Second, $"seed {seed}: item {i}");
        }
    }

    [Fact]
    public void ASmoothThrottleMakesUpForTimersThatAreLate()
    {
        var pace = new EvenPace(TimeSpan.FromMilliseconds(10), 10);
        pace.Take(TimeSpan.Zero, waited: false);
        pace.Take(TimeSpan.FromMilliseconds(3), waited: true);       // was due at 1 ms
        Assert.Equal(TimeSpan.FromMilliseconds(2), pace.NextAt);
        pace.Take(TimeSpan.FromMilliseconds(3), waited: false);
        pace.Take(TimeSpan.FromMilliseconds(3), waited: false);
        Assert.Equal(TimeSpan.FromMilliseconds(4), pace.NextAt);
        pace.Take(TimeSpan.FromMilliseconds(7), waited: false);      // the item itself came late
        Assert.Equal(TimeSpan.FromMilliseconds(8), pace.NextAt);
    }

    /// <summary>A late timer is made up for as far as the period goes: at most twice as many items come out in one.</summary>
    [Theory]
    [InlineData(10, 10, 10)]
    [InlineData(10, 1, 10)]
    [InlineData(1000, 1000, 100)]
    public void ASmoothThrottleMakesUpForAPeriodAtMost(int items, int milliseconds, int madeUp)
    {
        TimeSpan per = TimeSpan.FromMilliseconds(milliseconds), late = TimeSpan.FromSeconds(5);
        var pace = new EvenPace(per, items);
        List<TimeSpan> times = [];
        for (TimeSpan now = TimeSpan.Zero; times.Count < 10 * items;)
        {
            bool waited = pace.NextAt > now;
            if (waited) now = now < late && pace.NextAt > TimeSpan.FromMilliseconds(milliseconds * 2) ? late : pace.NextAt;
            pace.Take(now, waited);
            times.Add(now);
        }
        Assert.InRange(times.Count(time => time == late), madeUp, madeUp + 1);
        int most = times.Max(from => times.Count(time => time >= from && time < from + per));
        Assert.InRange(most, items, items + madeUp + 1);
    }

    /// <summary>The process stood still for an hour while an item waited: what was due meanwhile does not come at once.</summary>
    [Fact]
    public void ASmoothThrottleDoesNotMakeUpForAProcessThatStoodStill()
    {
        var pace = new EvenPace(TimeSpan.FromSeconds(1), 100);
        TimeSpan now = TimeSpan.FromHours(1);
        pace.Take(TimeSpan.Zero, waited: false);
        pace.Take(now, waited: true);
        int more = 0;
        for (; pace.NextAt <= now && more < 1000; more++) pace.Take(now, waited: false);
        Assert.Equal((10, now + TimeSpan.FromMilliseconds(10)), (more, pace.NextAt));
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ItemsThatWaitAtTheEndAreEmittedOnTime(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Throttle(1, Second));
        run.Send(1, 2, 3);
        run.End();
        Assert.False(run.Run.Completion.IsCompleted);
        run.Pass(2);
        Assert.Equal("1@0 2@1 3@2", run.Seen);
        await run.AssertEndedAsync();
    }

    [Theory, MemberData(nameof(Modes))]
    public async Task ACancelledRunDoesNotEmitWaitingItems(ExecutionMode mode)
    {
        await using var run = new TimedRun<int>(mode, source => source.Throttle(1, Second));
        run.Send(1, 2, 3);
        run.Cancel();
        run.AssertCancelled();
        run.Pass(5);
        Assert.Equal("1@0", run.Seen);
    }

    [Fact]
    public async Task AClockJumpEmitsTheItemsOfOnePeriod()
    {
        await using var run = new TimedRun<int>(ExecutionMode.SingleThread, source => source.Throttle(2, Second));
        run.Send(Enumerable.Range(1, 6));
        run.Jump(3600);
        Assert.Equal("1@0 2@0 3@3600 4@3600", run.Seen);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1_000_001, 1)]
    [InlineData(1, 0)]
    [InlineData(1, -1)]
    public void NumbersOutOfRangeAreRefused(int items, int seconds)
        => Assert.Throws<ArgumentOutOfRangeException>(() => Source.From([1]).Throttle(items, TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("Parallel(2)")]
    [InlineData("Retry(2)")]
    [InlineData("OnError(Skip)")]
    [InlineData("OnError(DeadLetter)")]
    public void AnnotationsThatDoNotFitAreRefused(string annotation)
    {
        StagePolicy refused = annotation switch
        {
            "Parallel(2)" => Stage.Parallel(2),
            "Retry(2)" => Stage.Retry(2),
            "OnError(Skip)" => Stage.OnError(ErrorPolicy.Skip),
            _ => Stage.OnError(ErrorPolicy.DeadLetter),
        };
        var refusal = Assert.Throws<InvalidOperationException>(() => Source.From([1]).Throttle(1, Second) | refused);
        Assert.StartsWith($"Stage.{annotation} does not fit here: a throttle stage ", refusal.Message, StringComparison.Ordinal);
    }
}
