using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>How long what an application's transactions have sent counts for the bound of its stream.</summary>
public sealed class IntakeWatchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);     // of real time: a watch that has nothing to watch has no timer

    private readonly TestClock clock = new();
    private readonly HashSet<long> committed = [];
    private bool isLocked = true;
    private int takes;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>It was forgotten after a minute, and a stream that was locked or damaged took sends without a bound.</remarks>
    [Fact]
    public async Task WhatHasCommittedCountsUntilItsStreamHasTakenItIn()
    {
        await using IntakeWatch watch = Watch();
        watch.Add("s", transaction: 1, items: 2, bytes: 20);
        watch.Add("s", transaction: 2, items: 3, bytes: 30);
        committed.UnionWith([1, 2]);
        await PassAsync(TimeSpan.FromMinutes(3));
        Assert.Equal((5, 50), watch.Pending("s"));
        Assert.True(takes > 1);
        isLocked = false;
        await LookAsync(watch, TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public async Task ATransactionThatStaysOpenIsGivenUpAfterAMinute()
    {
        await using IntakeWatch watch = Watch();
        watch.Add("s", transaction: 1, items: 2, bytes: 20);
        await PassAsync(TimeSpan.FromSeconds(59));
        Assert.Equal((2, 20), watch.Pending("s"));
        await LookAsync(watch, TimeSpan.FromSeconds(2));
        Assert.Equal(0, takes);
    }

    private IntakeWatch Watch() => new((_, _) => Task.FromResult((committed, committed)), TakeInAsync, static _ => { },
        TimeSpan.FromMilliseconds(5), clock);

    private Task TakeInAsync(string stream)
    {
        takes++;
        return isLocked ? Task.FromException(new TimeoutException("The stream is locked.")) : Task.CompletedTask;
    }

    // Nothing is left behind this look.
    private async Task LookAsync(IntakeWatch watch, TimeSpan time)
    {
        await clock.WaitForTimersAsync(1, Cancellation).WaitAsync(Patience, Cancellation);
        clock.Advance(time);
        while (watch.Pending("s").Items > 0) await Task.Yield();
    }

    private async Task PassAsync(TimeSpan time)
    {
        for (DateTimeOffset end = clock.GetUtcNow() + time; clock.GetUtcNow() < end; clock.Advance(TimeSpan.FromMilliseconds(250)))
            await clock.WaitForTimersAsync(1, Cancellation).WaitAsync(Patience, Cancellation);
    }
}
