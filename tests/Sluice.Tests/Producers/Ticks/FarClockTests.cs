using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Producers;

/// <summary>A clock that is days ahead for a while, and is then put right.</summary>
public class FarClockTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Far = TimeSpan.FromDays(40);

    /// <remarks>Formerly the run stood still for 40 days without a word.</remarks>
    [Fact]
    public async Task AProducerWhoseTicksAreDaysAheadOfItsClockSaysSo()
    {
        using var warnings = new WarningListener();
        await using var lab = new TickLab();
        TickLab.Life life = lab.Begin(Source.Every("far", 10 * Minute, lab.Started));
        await life.PassAsync(5 * Minute);
        lab.Wall.Jump(Far);
        await life.PassAsync(12 * Minute);
        lab.Wall.Jump(-Far);
        await life.PassAsync(5 * Minute);
        string warning = Assert.Single(warnings.Texts, static text => text.Contains("'far'", StringComparison.Ordinal));
        Assert.StartsWith("The producer 'far' has fired up to 2026-02-10 00:10:00Z, and the clock shows 2026-01-01 00:1", warning,
            StringComparison.Ordinal);
        await life.StopAsync();
    }

    /// <remarks>Formerly nothing came for 40 days, although nothing is remembered.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASourceThatRemembersNothingGoesOnByTheClockThatWasPutRight(bool hasName)
    {
        var clock = new TestClock();
        var wall = new WallClock(clock);
        var scheduler = new SeededScheduler(3);
        var sink = new SinkProbe<string>();
        Source<string> source = hasName ? Source.Cron("clock", "*/10 * * * *", static tick => TickLab.Text(tick.Time))
            : Source.Cron("*/10 * * * *").Select(TickLab.Text);
        PipelineRun run = (source | sink.Sink).Start(new RunOptions { Scheduler = scheduler, Time = wall });
        Pass(5);
        wall.Jump(Far);
        Pass(12);
        wall.Jump(-Far);
        Pass(15);
        Assert.Equal(["00:10:00", "00:10:00", "00:20:00", "00:30:00"], sink.Items);
        _ = run.CancelAsync();
        scheduler.RunUntilIdle();
        await run.DisposeAsync();

        void Pass(int minutes)
        {
            for (int i = 0; i < minutes; i++)
            {
                scheduler.RunUntilIdle();
                clock.Advance(Minute);
            }
            scheduler.RunUntilIdle();
        }
    }
}
