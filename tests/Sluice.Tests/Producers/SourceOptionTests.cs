using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Storage;

namespace Sluice.Tests.Producers;

/// <summary>Options that no timer or clock can serve are refused by name, not in the middle of a run.</summary>
public class SourceOptionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void IntervalsThatNoTimerHasAreRefusedByName()
    {
        TimeSpan longest = TimeSpan.FromDays(49), never = TimeSpan.MaxValue;
        Refuses("QueryOptions.PollInterval", () => new QueryOptions { PollInterval = never });
        Refuses("ResumableFilesOptions.PollInterval", () => new ResumableFilesOptions { PollInterval = never });
        Refuses("ResumableFilesOptions.QuietDuration", () => new ResumableFilesOptions { QuietDuration = never });
        Refuses("ResumableLinesOptions.PollInterval", () => new ResumableLinesOptions { PollInterval = never });
        Assert.Equal(longest, new QueryOptions { PollInterval = longest }.PollInterval);
        Assert.Equal(TimeSpan.Zero, new ResumableFilesOptions { QuietDuration = TimeSpan.Zero }.QuietDuration);
        Assert.Null(new QueryOptions { PollInterval = null }.PollInterval);
    }

    /// <summary>Timers cut less than a millisecond to zero, so that the source would never pause.</summary>
    [Fact]
    public void IntervalsThatTimersCutToZeroAreRefusedByName()
    {
        var few = new TimeSpan(5);
        Refuses("QueryOptions.PollInterval", () => new QueryOptions { PollInterval = few });
        Refuses("ResumableFilesOptions.PollInterval", () => new ResumableFilesOptions { PollInterval = few });
        Refuses("ResumableLinesOptions.PollInterval", () => new ResumableLinesOptions { PollInterval = few });
        TimeSpan shortest = TimeSpan.FromMilliseconds(1);
        Assert.Equal(shortest, new QueryOptions { PollInterval = shortest }.PollInterval);
    }

    [Fact]
    public void TimesThatOverflowAreRefusedByName()
    {
        TimeSpan never = TimeSpan.MaxValue, second = TimeSpan.FromSeconds(1);
        Refuses("period", () => Source.Interval(never));
        Refuses("jitter", () => Source.Interval(second, never));
        Refuses("wait", () => Source.Every(never, null, static () => 1));
        Refuses("jitter", () => Source.Every(second, never, static () => 1));
        Refuses("TickOptions.MaxJitter", () => new TickOptions { MaxJitter = never });
        Refuses("within", () => Source.From([1]).Chunk(100, within: never));
        Assert.NotNull(Source.Interval(TimeSpan.FromDays(36_500), TimeSpan.FromDays(36_500)));
    }

    [Fact]
    public void AMissingClockOrSerializerIsRefusedByName()
    {
        RefusesNull("QueryOptions.Time", static () => new QueryOptions { Time = null! });
        RefusesNull("ResumableFilesOptions.Time", static () => new ResumableFilesOptions { Time = null! });
        RefusesNull("ResumableFilesOptions.Pattern", static () => new ResumableFilesOptions { Pattern = null! });
        RefusesNull("SupervisorOptions.Time", static () => new SupervisorOptions { Time = null! });
        RefusesNull("SupervisorOptions.Serializers", static () => new SupervisorOptions { Serializers = null! });
        RefusesNull("StepScopeOptions.Time", static () => new StepScopeOptions { Time = null! });
        RefusesNull("StepScopeOptions.Scheduler", static () => new StepScopeOptions { Scheduler = null! });
        RefusesNull("GraphOptions.Time", static () => new GraphOptions { Time = null! });
    }

    [Fact]
    public void TheOutputsOfARunAreRefusedForAConsecutor()
    {
        var refused = Assert.Throws<ArgumentException>("value",
            static () => new ConsecutorOptions { Run = new() { Outputs = ["late"] } });
        Assert.StartsWith("ConsecutorOptions.Run names the output 'late', and the run of a consecutor has no reader", refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheLastNumbersAreInARange()
    {
        Assert.Equal([long.MaxValue], await Source.Range(long.MaxValue, 1).ToListAsync(cancellation: Cancellation));
        Assert.Equal([long.MaxValue - 1, long.MaxValue],
            await Source.Range(long.MaxValue - 1, 2).ToListAsync(cancellation: Cancellation));
        Assert.Empty(await Source.Range(long.MaxValue, 0).ToListAsync(cancellation: Cancellation));
        Assert.Equal([1L, 2, 3], await Source.Range(1, long.MaxValue).Take(3).ToListAsync(cancellation: Cancellation));
        Assert.Throws<ArgumentOutOfRangeException>("start", static () => Source.Range(long.MaxValue, 2));
        Assert.Throws<ArgumentOutOfRangeException>("start", static () => Source.Range(2, long.MaxValue));
    }

    [Fact]
    public async Task OutputsThatNobodyCanReadAreRefusedBeforeTheRun()
    {
        RunOptions options = new() { Outputs = ["late"] };
        Source<int> source = Source.From([1]);
        await Assert.ThrowsAsync<ArgumentException>("options",
            async () => await (source | (static _ => { })).RunAsync(options, Cancellation));
        Assert.Throws<ArgumentException>("options", () => _ = source.ToAsyncEnumerable(options, Cancellation));
        Assert.Throws<ArgumentException>("options", () => _ = source.ToObservable(options));
    }

    [Fact]
    public async Task AnInfiniteDeadlineOfAStopIsNone()
    {
        PipelineRun run = (Source.From([1]) | (static _ => { })).Start();
        Assert.True(await run.StopAsync(Timeout.InfiniteTimeSpan, Cancellation));
        await using var consecutor = new Consecutor<int>("numbers", static source => source | (static _ => { }));
        await consecutor.StartAsync(Cancellation);
        Assert.True(await consecutor.StopAsync(Timeout.InfiniteTimeSpan, Cancellation));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("deadline",
            () => consecutor.StopAsync(TimeSpan.FromSeconds(-1), Cancellation));
    }

    private static void Refuses(string name, Func<object> make) => Assert.Throws<ArgumentOutOfRangeException>(name, make);

    private static void RefusesNull(string name, Func<object> make) => Assert.Throws<ArgumentNullException>(name, make);
}
