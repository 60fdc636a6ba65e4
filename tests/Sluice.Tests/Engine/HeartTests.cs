using Sluice.Testing;

namespace Sluice.Tests.Engines;

public class HeartTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ACallThatIsLateDoesNotPutOffTheNextOnes()
    {
        var clock = new TestClock();
        DateTimeOffset start = clock.GetUtcNow();
        using SemaphoreSlim called = new(0), mayGoOn = new(0);
        var heart = new Heart("heart", clock, Interval, () =>
        {
            called.Release();
            mayGoOn.Wait();
        });
        clock.Advance(Interval);
        await called.WaitAsync(Cancellation);
        clock.Advance(2.4 * Interval);               // one is missed, and the next one is late
        mayGoOn.Release();
        await called.WaitAsync(Cancellation);
        mayGoOn.Release();
        clock.Advance(0.6 * Interval);
        await called.WaitAsync(Cancellation);
        Assert.Equal(start + (4 * Interval), clock.GetUtcNow());
        Task ended = heart.StopAsync();
        mayGoOn.Release();
        await ended;
        Assert.Equal(0, called.CurrentCount);
    }

    [Fact]
    public async Task ACallInBetweenDoesNotMoveTheNextOnes()
    {
        var clock = new TestClock();
        DateTimeOffset start = clock.GetUtcNow();
        using SemaphoreSlim called = new(0);
        var heart = new Heart("heart", clock, Interval, () => called.Release());
        clock.Advance(0.5 * Interval);
        heart.CallNow();
        await called.WaitAsync(Cancellation);
        clock.Advance(0.5 * Interval);
        await called.WaitAsync(Cancellation);
        Assert.Equal(start + Interval, clock.GetUtcNow());
        await heart.StopAsync();
        Assert.Equal(0, called.CurrentCount);
    }
}
