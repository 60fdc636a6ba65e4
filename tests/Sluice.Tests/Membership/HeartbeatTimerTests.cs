using Sluice.Membership;
using Sluice.Testing;

namespace Sluice.Tests.Membership;

public class HeartbeatTimerTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ALateBeatDoesNotPostponeTheNextBeats()
    {
        var clock = new TestClock();
        DateTimeOffset start = clock.GetUtcNow();
        using SemaphoreSlim called = new(0), mayGoOn = new(0);
        var heart = new HeartbeatTimer(clock, Interval, () =>
        {
            called.Release();
            return mayGoOn.WaitAsync();
        }, Fail);
        clock.Advance(Interval);
        await called.WaitAsync(Cancellation);
        clock.Advance(2.4 * Interval);               // one beat is skipped, and the next beat is late
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
    public async Task AnExtraBeatDoesNotMoveTheNextBeats()
    {
        var clock = new TestClock();
        DateTimeOffset start = clock.GetUtcNow();
        using SemaphoreSlim called = new(0);
        var heart = new HeartbeatTimer(clock, Interval, () =>
        {
            called.Release();
            return Task.CompletedTask;
        }, Fail);
        clock.Advance(0.5 * Interval);
        heart.CallNow();
        await called.WaitAsync(Cancellation);
        clock.Advance(0.5 * Interval);
        await called.WaitAsync(Cancellation);
        Assert.Equal(start + Interval, clock.GetUtcNow());
        await heart.StopAsync();
        Assert.Equal(0, called.CurrentCount);
    }

    [Fact]
    public async Task AFailedBeatIsReportedAndTheTimerContinues()
    {
        var clock = new TestClock();
        List<Exception> told = [];
        using SemaphoreSlim called = new(0);
        int calls = 0;
        var heart = new HeartbeatTimer(clock, Interval, () => ++calls switch
        {
            1 => throw new ObjectDisposedException("store"),
            2 => Task.FromException(new InvalidOperationException("late")),
            _ => Task.FromResult(called.Release()),
        }, failure =>
        {
            told.Add(failure);
            called.Release();
            throw new InvalidOperationException("An owner that throws.");
        });
        for (int i = 0; i < 3; i++)
        {
            clock.Advance(Interval);
            await called.WaitAsync(Cancellation);
        }
        await heart.StopAsync();
        Assert.Equal([typeof(ObjectDisposedException), typeof(InvalidOperationException)], told.Select(failure => failure.GetType()));
    }

    [Fact]
    public async Task AStoreThatBlocksItsCallerDelaysNoOtherHeartbeat()
    {
        var clock = new TestClock();
        using ManualResetEventSlim goOn = new();
        using SemaphoreSlim called = new(0), blocked = new(0);
        var stuck = new HeartbeatTimer(clock, Interval, () =>
        {
            blocked.Release();
            goOn.Wait();
            return Task.CompletedTask;
        }, Fail);
        clock.Advance(Interval);
        await blocked.WaitAsync(Cancellation);
        var heart = new HeartbeatTimer(clock, Interval, () => Task.FromResult(called.Release()), Fail);
        for (int i = 0; i < 5; i++)
        {
            clock.Advance(Interval);
            await called.WaitAsync(Cancellation);
        }
        await heart.StopAsync();
        Task ended = stuck.StopAsync();
        Assert.False(ended.IsCompleted);
        goOn.Set();
        await ended;
    }

    [Fact]
    public async Task AThousandHeartbeatTimersShareAFewThreads()
    {
        using CountdownEvent called = new(1000);
        TimeSpan interval = TimeSpan.FromMilliseconds(200);
        var threads = new System.Collections.Concurrent.ConcurrentDictionary<int, bool>();
        int beats = 0;
        HeartbeatTimer[] hearts = [.. Enumerable.Range(0, 1000).Select(_ => new HeartbeatTimer(TimeProvider.System, interval, () =>
        {
            threads[Environment.CurrentManagedThreadId] = true;
            if (Interlocked.Increment(ref beats) <= 1000) called.Signal();
            return Task.CompletedTask;
        }, Fail))];
        Assert.True(called.Wait(TimeSpan.FromMinutes(1), Cancellation));
        await Task.WhenAll(hearts.Select(heart => heart.StopAsync()));
        Assert.InRange(threads.Count, 1, 20);        // two, and one more for each takeover from a thread that stalled for 100 ms
    }

    private static void Fail(Exception failure) => throw new InvalidOperationException("A beat has failed.", failure);
}
