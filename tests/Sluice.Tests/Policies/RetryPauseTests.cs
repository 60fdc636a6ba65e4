using Sluice.Testing;

namespace Sluice.Tests.Policies;

/// <summary>The random part of pauses before repetitions.</summary>
public class RetryPauseTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(4);

    [Fact]
    public void PausesDifferAndTheirMeanIsThePause()
    {
        var random = new Random(4711);
        TimeSpan[] pauses = [.. Enumerable.Range(0, 1000).Select(_ => RetryPause.Vary(Pause, random))];
        Assert.InRange(pauses.Min(), Pause / 2, Pause * 0.6);
        Assert.InRange(pauses.Max(), Pause * 1.4, Pause * 1.5);
        Assert.InRange(pauses.Average(static pause => pause / Pause), 0.95, 1.05);
    }

    [Fact]
    public async Task InVirtualTimeAPauseIsExact()
    {
        var clock = new TestClock();
        Task waiting = RetryPause.WaitAsync(Pause, clock, TestContext.Current.CancellationToken);
        Assert.Equal(clock.GetUtcNow() + Pause, clock.NextDue);
        clock.Advance(Pause);
        await waiting;
        Assert.Contains(Enumerable.Range(0, 100), _ => RetryPause.Vary(Pause, TimeProvider.System) != Pause);
    }
}
