namespace Sluice.Tests.Producers;

/// <summary>Intervals and schedules in front of a consecutor: which ticks fire, and which do not.</summary>
public sealed class TickTests : IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TickOptions CatchUp = new() { Missed = MissedTickPolicy.CatchUp };

    private readonly TickLab lab = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => lab.DisposeAsync();

    private Source<string> Every(TickOptions? options = null) => Source.Every("clock", 10 * Minute, lab.Started, options);

    private Source<string> Cron(TickOptions? options = null) => Source.Cron("clock", "*/10 * * * *", lab.Started, options);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SkipOmitsAllMissedTicksAfterARestart(bool isCron)
    {
        TickLab.Life life = lab.Begin(isCron ? Cron() : Every());
        await life.PassAsync(25 * Minute);
        await life.StopAsync();
        lab.Pass(20 * Minute);
        life = lab.Begin(isCron ? Cron() : Every());
        await life.PassAsync(20 * Minute);
        await life.KillAsync();
        Assert.Equal(["00:10:00", "00:20:00", "00:50:00", "01:00:00"], await lab.AcceptedAsync());
        Assert.All(lab.Starts.Values, starts => Assert.Equal(1, starts));
    }

    [Theory]
    [InlineData(null, new[] { "00:10:00", "00:20:00", "00:30:00", "00:40:00", "00:50:00" })]
    [InlineData(1, new[] { "00:10:00", "00:40:00", "00:50:00" })]
    [InlineData(2, new[] { "00:10:00", "00:30:00", "00:40:00", "00:50:00" })]
    [InlineData(9, new[] { "00:10:00", "00:20:00", "00:30:00", "00:40:00", "00:50:00" })]
    public async Task CatchUpFiresUpToMaxMissedTicksInOrderAfterARestart(int? most, string[] expected)
    {
        Source<string> source = Every(CatchUp with { MaxMissed = most });
        TickLab.Life life = lab.Begin(source);
        await life.PassAsync(11 * Minute);
        await life.KillAsync();
        lab.Pass(30 * Minute);
        life = lab.Begin(source);
        await life.PassAsync(10 * Minute);
        await life.StopAsync();
        Assert.Equal(expected, await lab.AcceptedAsync());
        Assert.All(lab.Starts.Values, starts => Assert.Equal(1, starts));
    }

    /// <summary>Ticks that the new schedule has in the past were missed by no run. From its first start on they count.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AChangedScheduleFiresNoTickFromBeforeItsFirstStart(bool isCron)
    {
        TickLab.Life life = lab.Begin(isCron ? Cron(CatchUp) : Every(CatchUp));
        await life.PassAsync(15 * Minute);
        await life.StopAsync();
        lab.Pass(60 * Minute);
        Source<string> changed = isCron ? Source.Cron("clock", "*/5 * * * *", lab.Started, CatchUp)
            : Source.Every("clock", 5 * Minute, lab.Started, CatchUp);
        life = lab.Begin(changed);
        await life.PassAsync(Minute);
        await life.KillAsync();
        lab.Pass(10 * Minute);
        life = lab.Begin(changed);
        await life.PassAsync(6 * Minute);
        await life.StopAsync();
        Assert.Equal(["00:10:00", "01:20:00", "01:25:00", "01:30:00"], await lab.AcceptedAsync());
    }

    [Fact]
    public async Task TicksBeforeTheFirstStartAreNotMissed()
    {
        lab.Pass(61 * Minute);
        TickLab.Life life = lab.Begin(Cron(CatchUp));
        await life.PassAsync(Minute);
        await life.KillAsync();
        lab.Pass(20 * Minute);
        life = lab.Begin(Cron(CatchUp));
        await life.PassAsync(Minute);
        await life.StopAsync();
        Assert.Equal(["01:10:00", "01:20:00"], await lab.AcceptedAsync());
    }

    [Theory]
    [InlineData(MissedTickPolicy.Skip, false)]
    [InlineData(MissedTickPolicy.CatchUp, false)]
    [InlineData(MissedTickPolicy.Skip, true)]
    [InlineData(MissedTickPolicy.CatchUp, true)]
    public async Task AClockSetBackAnHourDoesNotFireTicksAgain(MissedTickPolicy missed, bool isRestarted)
    {
        TickLab.Life life = lab.Begin(Cron(new() { Missed = missed }));
        await life.PassAsync(65 * Minute);
        if (isRestarted) await life.KillAsync();
        lab.Wall.Jump(-60 * Minute);
        if (isRestarted) life = lab.Begin(Cron(new() { Missed = missed }));
        await life.PassAsync(60 * Minute);                               // the repeated hour
        Assert.Equal(6, lab.Starts.Count);
        await life.PassAsync(6 * Minute);
        await life.StopAsync();
        Assert.Equal(["00:10:00", "00:20:00", "00:30:00", "00:40:00", "00:50:00", "01:00:00", "01:10:00"], await lab.AcceptedAsync());
        Assert.All(lab.Starts.Values, starts => Assert.Equal(1, starts));
    }

    [Theory]
    [InlineData(MissedTickPolicy.Skip, new[] { "00:10:00", "00:20:00", "01:30:00" })]
    [InlineData(MissedTickPolicy.CatchUp, new[] { "00:10:00", "00:20:00", "00:30:00", "00:40:00", "00:50:00", "01:00:00", "01:10:00",
        "01:20:00", "01:30:00" })]
    public async Task AClockSetForwardFiresTheAwaitedTickAndTreatsOthersAsMissed(MissedTickPolicy missed,
        string[] expected)
    {
        TickLab.Life life = lab.Begin(Cron(new() { Missed = missed }));
        await life.PassAsync(15 * Minute);
        lab.Wall.Jump(65 * Minute);
        await life.PassAsync(10 * Minute);
        await life.StopAsync();
        Assert.Equal(expected, await lab.AcceptedAsync());
    }

    /// <summary>A clock that was wrong for a moment, as after a resume, must not silence a producer until that time has come.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AClockThatWasAheadForAMomentDoesNotPutTicksOff(bool isCron)
    {
        TickLab.Life life = lab.Begin(isCron ? Cron() : Every());
        await life.PassAsync(5 * Minute);
        lab.Wall.Jump(TimeSpan.FromDays(2));
        await life.PassAsync(2 * Minute);            // fires the tick that it has waited for, and seeks the next one by the wrong clock
        lab.Wall.Jump(-TimeSpan.FromDays(2));
        await life.PassAsync(35 * Minute);
        await life.StopAsync();
        Assert.Equal(["00:10:00", "00:20:00", "00:30:00", "00:40:00"], await lab.AcceptedAsync());
    }

    [Fact]
    public async Task AClockThatIsSetBackAfterTheFirstStartDoesNotPutTicksOff()
    {
        lab.Wall.Jump(TimeSpan.FromDays(2));
        TickLab.Life life = lab.Begin(Cron());
        await life.PassAsync(2 * Minute);
        lab.Wall.Jump(-TimeSpan.FromDays(2));
        await life.PassAsync(20 * Minute);
        await life.KillAsync();
        life = lab.Begin(Cron());
        await life.PassAsync(10 * Minute);
        await life.StopAsync();
        Assert.Equal(["00:10:00", "00:20:00", "00:30:00"], await lab.AcceptedAsync());
    }

    [Fact]
    public async Task AClockThatWasFarAheadFailsTheNextRun()
    {
        lab.Wall.Jump(TimeSpan.FromDays(400));
        TickLab.Life life = lab.Begin(Every());
        await life.PassAsync(11 * Minute);
        await life.KillAsync();
        lab.Wall.Jump(-TimeSpan.FromDays(400));
        life = lab.Begin(Every());
        var failure = await Assert.ThrowsAsync<PipelineException>(() => life.Run.Completion);
        Assert.Contains("The producer 'clock' has fired up to 2027-02-05 00:10:00Z, and the clock shows 2026-01-01 00:11:00Z",
            failure.Message, StringComparison.Ordinal);
        await life.KillAsync();
    }

    [Fact]
    public async Task ANewerRunSupersedesAnOlderOneAndEachTickFiresOnce()
    {
        TickLab.Life older = lab.Begin(Cron(CatchUp));
        await older.PassAsync(15 * Minute);
        TickLab.Life newer = lab.Begin(Cron(CatchUp));
        await lab.WaitingAsync(lives: 2);                                // the newer run has begun when it waits for its tick
        await older.PassAsync(30 * Minute);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => older.Run.Completion);
        Assert.Contains("This run was superseded: another run of the producer 'clock' has begun since", failure.Message,
            StringComparison.Ordinal);
        await newer.PassAsync(30 * Minute);
        await newer.StopAsync();
        await older.KillAsync();
        string[] accepted = await lab.AcceptedAsync();
        Assert.Equal(accepted.Distinct().Order(StringComparer.Ordinal), accepted);
        Assert.Equal(["00:10:00", "00:20:00", "00:30:00"], accepted[..3]);
    }

    [Fact]
    public async Task ATickWithoutAcceptedItemsIsNotFiredAgain()
    {
        for (int life = 0; life < 3; life++)
        {
            Source<string> source = Source.Every("clock", 10 * Minute, (tick, _) => lab.Started(tick)[3] == '1'
                ? AsyncEnumerable.Empty<string>() : AsyncEnumerable.Repeat("filtered", 2), CatchUp);
            TickLab.Life begun = lab.Begin(source.Where(static text => text != "filtered"));
            await begun.PassAsync(21 * Minute);
            await begun.KillAsync();
        }
        Assert.Empty(await lab.AcceptedAsync());
        Assert.Equal(6, lab.Starts.Count);
        Assert.All(lab.Starts.Values, starts => Assert.Equal(1, starts));
    }

    [Fact]
    public async Task ATickThatYieldsNothingOnReplayDoesNotSkipItemsOfTheNextTick()
    {
        Source<string> source = Source.Every("clock", 10 * Minute, (tick, _) =>
        {
            string started = lab.Started(tick);
            return lab.Starts[started] > 1 ? AsyncEnumerable.Empty<string>() : AsyncEnumerable.Repeat(started, 1);
        }, CatchUp).SelectMany(static text => new[] { $"{text}a", $"{text}b" });
        TickLab.Life life = lab.Begin(source.Select(static text => text.EndsWith('b') ? throw new FormatException("no b") : text));
        await life.PassAsync(11 * Minute);                               // the run fails between the two outputs of the first item
        await Assert.ThrowsAsync<PipelineException>(() => life.Run.Completion);
        await life.KillAsync();
        life = lab.Begin(source);
        await life.PassAsync(10 * Minute);
        await life.StopAsync();
        Assert.Equal(2, lab.Starts["00:10:00"]);
        Assert.Equal(["00:10:00a", "00:20:00a", "00:20:00b"], await lab.AcceptedAsync());
    }

    [Fact]
    public async Task AFailingTickFailsTheRunAndCatchUpRepeatsIt()
    {
        int calls = 0;
        Source<string> source = Source.Cron("clock", "*/10 * * * *", (tick, _) => ++calls == 2 ? throw new FormatException("no reading")
            : new ValueTask<string>(lab.Started(tick)), CatchUp);
        TickLab.Life life = lab.Begin(source);
        await life.PassAsync(30 * Minute);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => life.Run.Completion);
        Assert.Equal("'clock' failed: no reading", failure.Message);
        await life.KillAsync();
        life = lab.Begin(source);
        await life.PassAsync(11 * Minute);
        await life.StopAsync();
        Assert.Equal(["00:10:00", "00:20:00", "00:30:00"], await lab.AcceptedAsync());
    }

    [Fact]
    public async Task TicksDelayedByJitterFireOnceDespiteRestarts()
    {
        var options = new TickOptions { MaxJitter = 9 * Minute };
        var late = new List<double>();
        Source<string> source = Source.Every("clock", 10 * Minute, tick =>
        {
            late.Add((lab.Wall.GetUtcNow() - tick.Time).TotalMinutes);
            return lab.Started(tick);
        }, options);
        for (int seed = 1; seed <= 30; seed++)                           // a restart every seven minutes
        {
            TickLab.Life life = lab.Begin(source, seed: seed);
            await life.PassAsync(7 * Minute);
            await life.KillAsync();
        }
        Assert.All(late, by => Assert.InRange(by, 0, 16));
        Assert.True(late.Max() - late.Min() > 1);
        Assert.All(lab.Starts.Values, starts => Assert.Equal(1, starts));
        Assert.True(lab.Starts.Count >= 15, $"{lab.Starts.Count} of 20");
    }

    [Fact]
    public async Task APositionOfAnotherKindOfTickProducerIsRefused()
    {
        TickLab.Life life = lab.Begin(Every());
        await life.PassAsync(11 * Minute);
        await life.KillAsync();
        life = lab.Begin(Cron());
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => life.Run.Completion);
        Assert.Contains(
            "The position of the producer 'clock' was stored by Source.Every(name, interval, function), and Source.Cron(name, expression, "
                + "function) cannot go on from it", failure.Message, StringComparison.Ordinal);
        await life.KillAsync();
    }

    [Fact]
    public void InvalidTickArgumentsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.Every("x", TimeSpan.Zero, lab.Started));
        Assert.Throws<ArgumentException>(() => Source.Every("", Minute, lab.Started));
        Assert.Throws<FormatException>(() => Source.Cron("x", "now and then", lab.Started));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TickOptions { MaxJitter = -Minute });
        Assert.Throws<ArgumentOutOfRangeException>(() => new TickOptions { MaxMissed = 0 });
    }
}
