using Sluice.Testing;

namespace Sluice.Tests;

public class TestClockTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly TestClock clock = new();
    private readonly List<string> fired = [];

    [Fact]
    public void TimersFireAtTheirOwnTimeAndTiesInTheOrderOfCreation()
    {
        var late = Timer("late", 3);
        Timer("a", 2);
        Timer("b", 2);
        late.Change(2 * Second, Timeout.InfiniteTimeSpan);
        Timer("first", 1);

        clock.Advance(5 * Second);

        Assert.Equal(["first@1", "late@2", "a@2", "b@2"], fired);
        Assert.Null(clock.NextDue);
        Assert.Equal(5 * Second, clock.GetElapsedTime(0));
    }

    [Fact]
    public void ATimerDoesNotFireBeforeItsTime()
    {
        Timer("due", 2);

        clock.Advance(2 * Second - TimeSpan.FromTicks(1));
        Assert.Empty(fired);
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 2, TimeSpan.Zero), clock.NextDue);

        clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(["due@2"], fired);
    }

    [Fact]
    public void PeriodicTimersFireAtEveryPeriodUntilTheyAreChangedOrDisposed()
    {
        var slow = Timer("slow", 1, period: 2);
        ITimer? quick = null;
        quick = clock.CreateTimer(_ =>
        {
            fired.Add($"quick@{Now}");
            if (Now == 3) quick!.Dispose();
        }, null, Second, Second);

        clock.Advance(5 * Second);
        slow.Change(Timeout.InfiniteTimeSpan, Second);
        clock.Advance(5 * Second);

        Assert.Equal(["slow@1", "quick@1", "quick@2", "slow@3", "quick@3", "slow@5"], fired);
        Assert.False(quick.Change(Second, Second));
    }

    [Fact]
    public void ATimerCreatedByACallbackFiresInTheSameAdvance()
    {
        clock.CreateTimer(_ =>
        {
            Timer("at once", 0);
            Timer("later", 1);
            Timer("too late", 9);
        }, null, Second, Timeout.InfiniteTimeSpan);

        clock.Advance(3 * Second);

        Assert.Equal(["at once@1", "later@2"], fired);
    }

    [Fact]
    public void AZeroTimerFiresAtTheNextAdvance()
    {
        Timer("zero", 0);
        Assert.Empty(fired);

        clock.Advance(TimeSpan.Zero);
        Assert.Equal(["zero@0"], fired);
    }

    [Fact]
    public void TheClockCannotPassTheLastTime()
    {
        var fresh = new Sluice.Testing.TestClock();
        Assert.Contains("would pass the last time", Assert.Throws<ArgumentOutOfRangeException>(() => fresh.Advance(TimeSpan.MaxValue))
            .Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheClockCannotGoBackNorAdvanceWithinACallback()
    {
        clock.SetUtcNow(clock.GetUtcNow() + Second);
        clock.CreateTimer(_ => clock.Advance(Second), null, Second, Timeout.InfiniteTimeSpan);

        Assert.Throws<ArgumentOutOfRangeException>(() => clock.SetUtcNow(clock.GetUtcNow() - Second));
        Assert.Throws<ArgumentOutOfRangeException>(() => clock.Advance(-Second));
        Assert.Contains("being moved already", Assert.Throws<InvalidOperationException>(
            () => clock.Advance(2 * Second)).Message, StringComparison.Ordinal);
        Assert.Equal(2, Now);
    }

    [Fact]
    public void AnExceptionOfACallbackIsThrownAndLaterTimersStillFire()
    {
        clock.CreateTimer(_ => throw new FormatException("mine"), null, Second, Timeout.InfiniteTimeSpan);
        Timer("next", 1);

        Assert.Equal("mine", Assert.Throws<FormatException>(() => clock.Advance(2 * Second)).Message);
        Assert.Equal(1, Now);
        clock.Advance(Second);
        Assert.Equal(["next@1"], fired);
    }

    [Fact]
    public async Task AdvancingAsynchronouslyLetsWorkReachItsNextTimer()
    {
        // The loop arms its next timer in a continuation, one turn of this scheduler after the last one fired.
        var scheduler = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
        var loop = await Task.Factory.StartNew(async () =>
        {
            var work = LoopAsync();
            await clock.AdvanceAsync(3 * Second);
            return work;
        }, CancellationToken.None, TaskCreationOptions.None, scheduler).Unwrap();
        await loop;

        Assert.Equal(["loop@1", "loop@2", "loop@3"], fired);

        async Task LoopAsync()
        {
            for (var i = 0; i < 3; i++)
            {
                await Task.Delay(Second, clock);
                fired.Add($"loop@{Now}");
            }
        }
    }

    [Fact]
    public async Task TheSettleFunctionRunsAtEveryInstant()
    {
        Timer("a", 1);
        Timer("b", 1);
        Timer("c", 2);

        await clock.AdvanceAsync(5 * Second, () =>
        {
            fired.Add("settled");
            return Task.CompletedTask;
        });

        Assert.Equal(["settled", "a@1", "b@1", "settled", "c@2", "settled"], fired);
    }

    [Fact]
    public async Task ATestCanWaitUntilOtherThreadsHaveArmedTheirTimers()
    {
        var threads = Enumerable.Range(1, 3).Select(i => Task.Run(async () => await Task.Delay(i * Second, clock))).ToArray();

        await clock.WaitForTimersAsync(3);
        Assert.Equal(3, clock.ArmedTimers);
        clock.Advance(3 * Second);
        await Task.WhenAll(threads);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => clock.WaitForTimersAsync(1, new(canceled: true)));
    }

    [Fact]
    public async Task DisposingAsynchronouslyWaitsForTheRunningCallback()
    {
        Task? disposed = null;
        ITimer? timer = null;
        timer = clock.CreateTimer(_ =>
        {
            disposed = timer!.DisposeAsync().AsTask();
            Assert.False(disposed.IsCompleted);
        }, null, Second, Second);

        clock.Advance(5 * Second);

        await disposed!;
    }

    [Fact]
    public void CallbacksSeeTheAsyncLocalsOfTheCreator()
    {
        var local = new AsyncLocal<string> { Value = "creator" };
        clock.CreateTimer(_ => fired.Add(local.Value!), null, Second, Timeout.InfiniteTimeSpan);
        local.Value = "mover";

        clock.Advance(Second);

        Assert.Equal(["creator"], fired);
    }

    private double Now => clock.GetElapsedTime(0).TotalSeconds;

    private ITimer Timer(string name, double due, double period = 0)
        => clock.CreateTimer(_ => fired.Add($"{name}@{Now}"), null, due * Second, period * Second);
}
