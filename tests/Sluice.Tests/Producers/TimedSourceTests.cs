using Sluice.Testing;

namespace Sluice.Tests.Producers;

public class TimedSourceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly TestClock clock = new();
    private readonly SeededScheduler scheduler = new(5);
    private readonly SinkProbe<object> sink = new();

    private double Now => (clock.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds;

    private PipelineRun Start<T>(Source<T> source, int seed = 1)
        => (source.Select(item => (object)$"{item}@{Now:0.###}")
        | sink.Sink).Start(new RunOptions { Scheduler = scheduler, Time = clock, Seed = seed });

    private void Pass(TimeSpan time)
    {
        for (DateTimeOffset until = clock.GetUtcNow() + time; ;)
        {
            scheduler.RunUntilIdle();
            if (clock.NextDue is not { } due || due > until)
            {
                clock.SetUtcNow(until);
                scheduler.RunUntilIdle();
                return;
            }
            clock.SetUtcNow(due);
        }
    }

    private async Task DrainedAsync(PipelineRun run)
    {
        Task<bool> drained = run.StopAsync();
        scheduler.RunUntilIdle();
        Assert.True(run.Completion.IsCompleted);
        Assert.True(await drained);
        Assert.Equal(0, clock.ArmedTimers);
        Assert.Empty(run.StillRunning);
    }

    [Fact]
    public async Task AnIntervalTicksWithoutDriftUntilItIsDrained()
    {
        PipelineRun run = Start(Source.Interval(90 * Second));
        Pass(300 * Second);
        Assert.Equal(["0@90", "1@180", "2@270"], sink.Items);
        await DrainedAsync(run);
    }

    /// <remarks>Formerly the rest of less than a millisecond was cut to zero, again and again until the moment had come.</remarks>
    [Fact]
    public async Task AWaitOfAPartOfAMillisecondDoesNotSpin()
    {
        var cut = new CutTimers(clock);
        PipelineRun run = (Source.Interval(1.5 * Second / 1000).Select(static item => (object)item) | sink.Sink)
            .Start(new RunOptions { Scheduler = scheduler, Time = cut });
        scheduler.RunUntilIdle();
        Pass(Second / 1000);
        Pass(Second / 1000);
        Assert.Equal([0L], sink.Items);
        Assert.InRange(cut.Changes, 1, 3);
        await DrainedAsync(run);
    }

    /// <summary>Timers that cut times to whole milliseconds, as those of the system.</summary>
    private sealed class CutTimers(TestClock inner) : TimeProvider
    {
        public int Changes { get; private set; }

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override long GetTimestamp() => inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => new Cut(this, inner.CreateTimer(callback, state, dueTime, period));

        private sealed class Cut(CutTimers clock, ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                if (dueTime >= TimeSpan.Zero) Assert.True(++clock.Changes < 20, "it spins");
                return timer.Change(TimeSpan.FromMilliseconds(Math.Truncate(dueTime.TotalMilliseconds)), period);
            }

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }

    [Fact]
    public async Task AnIntervalSkipsMissedTicksAndTheirNumbers()
    {
        sink.Block();
        PipelineRun run = Start(Source.Interval(Second));
        Pass(3.5 * Second);
        sink.Release();
        Pass(2 * Second);
        Assert.Equal(["0@1", "3@4", "4@5"], sink.Items);
        await DrainedAsync(run);
    }

    [Fact]
    public async Task JitterDelaysTicksByARandomTimeUpToItsMaximum()
    {
        PipelineRun run = Start(Source.Interval(10 * Second, 5 * Second), seed: 3);
        Pass(1000 * Second);
        double[] late = [.. sink.Items.Select((tick, i) => double.Parse(((string)tick).Split('@')[1]) - (10 * (i + 1)))];
        Assert.True(late.Length is 99 or 100);
        Assert.All(late, by => Assert.InRange(by, 0, 5));
        Assert.True(late.Max() - late.Min() > 1);
        await DrainedAsync(run);
    }

    [Fact]
    public async Task EveryStartsItsIntervalWhenTheLastCallHasEnded()
    {
        int calls = 0;
        PipelineRun run = Start(Source.Every(10 * Second, null, async cancellation =>
        {
            await Task.Delay(3 * Second, clock, cancellation);
            return ++calls;
        }));
        Pass(40 * Second);
        Assert.Equal(["1@13", "2@26", "3@39"], sink.Items);
        Pass(11 * Second);                                               // in the middle of a call
        await DrainedAsync(run);
        Assert.Equal(3, calls);
    }

    [Theory]
    [InlineData(MissedTickPolicy.Skip, new[] { "00:10:00/0@600", "00:10:00/1@600", "00:40:00/0@2400", "00:40:00/1@2400" })]
    [InlineData(MissedTickPolicy.CatchUp, new[] { "00:10:00/0@600", "00:10:00/1@600", "00:20:00/0@2100", "00:20:00/1@2100",
        "00:30:00/0@2100", "00:30:00/1@2100", "00:40:00/0@2400", "00:40:00/1@2400" })]
    public async Task EveryAppliesTheMissedTickPolicyToTicksDuringALongCall(MissedTickPolicy missed,
        string[] expected)
    {
        TimeSpan[] takes = [TimeSpan.FromMinutes(25), TimeSpan.Zero];
        int calls = 0;
        PipelineRun run = Start(Source.Every("clock", TimeSpan.FromMinutes(10),
            (tick, cancellation) => Make(tick, takes[Math.Min(calls++, 1)], cancellation), new() { Missed = missed }));
        Pass(TimeSpan.FromMinutes(45));
        Assert.Equal(expected, sink.Items);
        await DrainedAsync(run);

        async IAsyncEnumerable<string> Make(Tick tick, TimeSpan time,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return $"{tick.Time:HH:mm:ss}/0";
            yield return $"{tick.Time:HH:mm:ss}/1";
            if (time > TimeSpan.Zero) await Task.Delay(time, clock, cancellation);
        }
    }

    [Fact]
    public async Task AFunctionThatThrowsFailsTheSource()
    {
        PipelineRun run = Start(Source.Every<int>(Second, null, () => throw new FormatException("no reading")));
        var failure = await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(run, clock));
        Assert.Equal("'every-1' failed: no reading", failure.Message);
    }

    [Fact]
    public async Task CronFiresAtItsTimesAndSkipsMissedOnes()
    {
        PipelineRun run = Start(Source.Cron("0 */5 * * * *").Select(time => time.ToString("HH:mm:ss")));
        Pass(TimeSpan.FromMinutes(11));
        sink.Block();
        Pass(TimeSpan.FromMinutes(17));                                  // 15 rests in the sink, 20 and 25 pass
        sink.Release();
        Pass(TimeSpan.FromMinutes(3));
        Assert.Equal(["00:05:00@300", "00:10:00@600", "00:15:00@900", "00:30:00@1800"], sink.Items);
        await DrainedAsync(run);
    }

    [Fact]
    public async Task CronUsesTheGivenTimeZone()
    {
        PipelineRun run = Start(Source.Cron("0 9 * * *", TimeZoneInfo.CreateCustomTimeZone("x", TimeSpan.FromHours(2), "x", "x"))
            .Select(time => time.ToString("HH:mmzzz")));
        Pass(TimeSpan.FromHours(8));
        Assert.Equal(["09:00+02:00@25200"], sink.Items);
        _ = run.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scheduler.RunToEndAsync(run));
    }

    [Fact]
    public async Task AScheduleThatNeverFiresFailsTheRun()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(Start(Source.Cron("0 0 30 2 *")), clock));
        Assert.Contains("'0 0 30 2 *' has no time", failure.Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => Source.Cron("every day"));
    }
}
