using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Members whose clocks are days away from the store's clock: retries and windows follow the store's time.</summary>
public class HostClockTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(-2)]
    [InlineData(2)]
    public async Task ARetryLeftByAnotherMemberIsDueByTheStoresTime(int daysAhead)
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        var failed = new TaskCompletionSource();
        await using (Consecutor<int> first = Keyed(store, clock, "one", _ =>
        {
            failed.TrySetResult(); throw new TimeoutException("not now");
        }))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync(1, Cancellation);
            await failed.Task.WaitAsync(Cancellation);
            await Member.UntilAsync(() => first.Snapshot().Retrying == 1);
        }
        var tried = new TaskCompletionSource<DateTimeOffset>();
        await using Consecutor<int> second = Keyed(store, Away(daysAhead), "two", _ => tried.TrySetResult(clock.GetUtcNow()));
        DateTimeOffset due = clock.GetUtcNow() + Pause;
        await second.StartAsync(Cancellation);
        while (!tried.Task.IsCompleted && clock.GetUtcNow() < due + TimeSpan.FromHours(12))
        {
            for (int i = 0; i < 2_000 && !tried.Task.IsCompleted; i++) await Member.NextAsync();
            clock.Advance(clock.GetUtcNow() < due ? TimeSpan.FromMinutes(10) : TimeSpan.FromSeconds(10));
        }
        // A thread that stands still is behind the clock.
        await Rounds.UntilAsync(() => tried.Task.IsCompleted, $"{second.Snapshot()}");
        Assert.True(await tried.Task >= due, $"{await tried.Task:O}, {due:O}");
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(2)]
    public async Task AWindowIsClosedByTheStoresTime(int daysAhead)
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        foreach (TimeProvider time in (TimeProvider[])[clock, Away(daysAhead), clock])
        {
            await using Consecutor<int> consecutor = Windows(store, time);
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAsync(1, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Empty(ledger.Lines);
            clock.Advance(TimeSpan.FromMinutes(10));
        }
        await using Consecutor<int> last = Windows(store, Away(daysAhead));
        await last.StartAsync(Cancellation);
        clock.Advance(TimeSpan.FromMinutes(31));
        while (ledger.Lines.Count == 0)
        {
            for (int i = 0; i < 2_000 && ledger.Lines.Count == 0; i++) await Member.NextAsync();
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(["00:00-01:00 1,1,1"], ledger.Lines);
    }

    /// <summary>While a machine sleeps, its timestamps stand still, and the store's clock goes on.</summary>
    /// <remarks>Formerly all of it was late by the time of the sleep, until the process was started again.</remarks>
    [Theory]
    [InlineData("retry")]
    [InlineData("timer")]
    [InlineData("window")]
    public async Task WhatWasDueWhileTheMachineSleptRunsWithinAMinute(string what)
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        var machine = new TestClock(clock.GetUtcNow());
        int attempts = 0;
        await using var consecutor = new Consecutor<int>("work", source => (what switch
        {
            "retry" => source | StageNode.Of(() => new Sum(Try)) | Stage.Named("sum"),
            "timer" => source | StageNode.Of(() => new Late()) | Stage.Named("late"),
            _ => source.Window(TimeSpan.FromHours(1)) | Stage.Named("hours") | (window => window.Items.Sum()),
        }) | ledger.Sink<int>(), Member.Options("one", store, machine) with
        {
            Delivery = DeliveryGuarantee.Replay(3, Backoff.Constant(Pause))
        });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(7, Cancellation);
        if (what == "retry") await Member.UntilAsync(() => consecutor.Snapshot().Retrying == 1);
        else await consecutor.WaitForIdleAsync(Cancellation);
        clock.Advance(TimeSpan.FromHours(10));
        for (int minutes = 1; minutes < 55 && ledger.Lines.Count == 0; minutes++)         // a busy machine is behind the clock
        {
            machine.Advance(TimeSpan.FromMinutes(1));
            for (int i = 0; i < 20_000 && ledger.Lines.Count == 0; i++) await Member.NextAsync();
        }
        await Rounds.UntilAsync(() => ledger.Lines.Count > 0, "It takes more than 55 minutes of the host's clock.");
        Assert.Single(ledger.Lines);

        void Try(int item)
        {
            if (++attempts == 1) throw new TimeoutException("not now");
        }
    }

    [Fact]
    public async Task AClockSkewIsReportedOnceWithBothTimes()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        var warnings = new ConcurrentQueue<string>();
        foreach (string member in new[] { "one", "two" })
        {
            await using Consecutor<int> consecutor = new("work", source => source | ledger.Sink<int>(),
                Member.Options(member, store, Away(2)) with { OnWarning = warnings.Enqueue });
            await consecutor.StartAsync(Cancellation);
            Assert.Equal(warnings.Single(), consecutor.Snapshot().ClockSkew);
            Assert.Null(consecutor.Snapshot().Problem);
        }
        Assert.Contains($"{clock.GetUtcNow():u}", warnings.Single(), StringComparison.Ordinal);
        Assert.Contains($"{clock.GetUtcNow() + TimeSpan.FromDays(2):u}", warnings.Single(), StringComparison.Ordinal);
        await using Consecutor<int> right = new("work", source => source | ledger.Sink<int>(), Member.Options("three", store, clock));
        await right.StartAsync(Cancellation);
        Assert.Null(right.Snapshot().ClockSkew);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-2)]
    public async Task AClockSkewSaysWhatCanBeDone(int daysAhead)
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = new("work", source => source | ledger.Sink<int>(),
            Member.Options("one", store, Away(daysAhead)));
        await consecutor.StartAsync(Cancellation);
        string skew = consecutor.Snapshot().ClockSkew!;
        if (store.Root is MemoryStreamStore) Assert.Contains("Give both the same clock", skew, StringComparison.Ordinal);
        else
        {
            Assert.Equal(daysAhead < 0, skew.Contains("never goes back. Nothing is lost", StringComparison.Ordinal));
            Assert.Equal(store.Capabilities.HasFlag(StreamStoreCapabilities.SharedByProcesses),
                skew.Contains("Set the clock that is wrong", StringComparison.Ordinal));
        }
    }

    private WallClock Away(int days)
    {
        var wall = new WallClock(clock);
        wall.Jump(TimeSpan.FromDays(days));
        return wall;
    }

    private static Consecutor<int> Keyed(IStreamStore store, TimeProvider time, string member, Action<int> handler) => new("work",
        source => source | StageNode.Of(() => new Sum(handler)) | Stage.Named("sum") | (_ => { }),
        Member.Options(member, store, time) with { Delivery = DeliveryGuarantee.Replay(3, Backoff.Constant(Pause)) })
    { Key = _ => "a" };

    private Consecutor<int> Windows(IStreamStore store, TimeProvider time) => new("numbers",
        source => source.Window(TimeSpan.FromHours(1)) | Stage.Named("hours")
            | (window => $"{window.Start:HH:mm}-{window.End:HH:mm} {string.Join(',', window.Items)}") | ledger.Sink<string>(),
        new() { Store = store, Process = new(), Run = new() { Time = time } });

    private sealed class Late : TimedStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            Timers.Set(Pause);
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<int> output, CancellationToken cancellation) => output.PushAsync(1);
    }

    private sealed class Sum(Action<int> handler) : StatefulStageNode<int, int, int>
    {
        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            handler(item);
            await output.PushAsync(State += item);
        }
    }
}
