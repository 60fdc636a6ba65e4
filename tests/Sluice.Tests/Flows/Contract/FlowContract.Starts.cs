using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

// Scenario 13: a crash during a start.
public abstract partial class FlowContract
{
    private static readonly TimeSpan HalfAnHour = StartSweeper.Grace / 2;

    [Fact]
    public async Task StreamsOfAStartThatDiedBeforeItsCommitAreRemoved()
    {
        var clock = new TestClock();
        await using IStreamStore store = await OpenAsync(clock);
        await DieInsideAStartAsync(store, clock, "dead");
        Assert.Equal(3, (await store.ListStreamsAsync("flow")).Count);
        DateTimeOffset died = clock.GetUtcNow();
        await using (Supervisor.Attach(store, new() { Name = "sweeper", Time = clock, RunRetentionDuration = TimeSpan.FromMinutes(100) }))
        {
            while ((await store.ListStreamsAsync("flow")).Any(static stream => stream != "flow-sweep"))
            {
                await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
                clock.Advance(TimeSpan.FromMinutes(1));
            }
        }
        Assert.True(clock.GetUtcNow() - died >= StartSweeper.Grace, $"it was removed after {clock.GetUtcNow() - died}");

        // The id is free.
        await using var service = Supervisor.Attach(store, new() { Name = "service", Time = clock });
        service.Register(Work, CopyAsync);
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], run: "dead", cancellation: FlowLab.Cancellation);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
    }

    [Fact]
    public async Task ASlowStartIsNotSwept()
    {
        var clock = new TestClock();
        await using IStreamStore store = await OpenAsync(clock);
        DateTimeOffset begun = clock.GetUtcNow();
        Sweep sweep = NewSweep(store, clock);
        var slow = new HookedStore(store) { BeforeOpen = _ => SweepLaterAsync(), BeforeCommit = _ => SweepLaterAsync() };
        await using var starter = Supervisor.Attach(slow,
            new() { Name = "starter", Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan });
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 1)], run: "slow", cancellation: FlowLab.Cancellation);
        slow.BeforeCommit = null;
        slow.BeforeOpen = null;
        starter.Register(Work, CopyAsync);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.True(clock.GetUtcNow() - begun > 2 * StartSweeper.Grace, "the start was not slow");

        async Task SweepLaterAsync()
        {
            await sweep();
            clock.Advance(HalfAnHour + TimeSpan.FromMinutes(1));
            await sweep();
        }
    }

    [Fact]
    public async Task AStartThatStallsTooLongFailsAndLeavesNoStreams()
    {
        var clock = new TestClock();
        await using IStreamStore store = await OpenAsync(clock);
        Sweep sweep = NewSweep(store, clock);
        bool isSwept = false;
        var asleep = new HookedStore(store) { BeforeCommit = SleepAsync };
        await using var starter = Supervisor.Attach(asleep, new() { Name = "starter", RunRetentionDuration = Timeout.InfiniteTimeSpan });
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => starter.StartAsync(Working, [IOVal.Of("x", 1)], run: "asleep",
            cancellation: FlowLab.Cancellation));
        Assert.Contains("asleep", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await store.ListStreamsAsync("flow"), static stream => stream.Contains("asleep", StringComparison.Ordinal));

        async Task SleepAsync(StoreCommit commit)
        {
            if (isSwept) return;
            isSwept = true;
            await sweep();
            clock.Advance(StartSweeper.Grace);
            await sweep();
        }
    }

    /// <remarks>Regression: each repetition of the start looked like progress, so the rest was never removed, and the id never
    /// free.</remarks>
    [Fact]
    public async Task ARemovalThatWasCutOffIsFinishedByTheNextSweepOfAnyService()
    {
        var clock = new TestClock();
        await using IStreamStore store = await OpenAsync(clock);
        await DieInsideAStartAsync(store, clock, "cut");
        Sweep sweep = NewSweep(new FailingRemoval(store), clock);
        await sweep();
        clock.Advance(StartSweeper.Grace);
        await Assert.ThrowsAsync<StreamStoreException>(() => sweep());
        await using var starter = Supervisor.Attach(store, new() { Name = "starter", Time = clock });
        await Assert.ThrowsAsync<FlowException>(StartAsync);
        await NewSweep(store, clock)();
        Assert.DoesNotContain(await store.ListStreamsAsync("flow"), static stream => stream.Contains("cut", StringComparison.Ordinal));
        await StartAsync();

        Task<FlowRun> StartAsync() => starter.StartAsync(Working, [IOVal.Of("x", 1)], run: "cut", cancellation: FlowLab.Cancellation);
    }

    private sealed class FailingRemoval(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default)
            => throw new StreamStoreException("away for a moment");
    }

    [Long("the same over the other stores", In = ["Sluice.PostgreSql.Tests"])]
    [Fact]
    public async Task ASweepRemovesAtMostAHundredDeadStarts()
    {
        const int Starts = 105;
        var clock = new TestClock();
        await using IStreamStore store = await OpenAsync(clock);
        for (int i = 0; i < Starts; i++) await DieInsideAStartAsync(store, clock, $"dead-{i}");
        Sweep sweep = NewSweep(store, clock);
        await sweep();
        clock.Advance(StartSweeper.Grace);
        await sweep();
        Assert.Equal(Starts - 100, (await store.ListStreamsAsync("flow/")).Count);
        await sweep();
        Assert.Empty(await store.ListStreamsAsync("flow"));
    }

    private delegate Task Sweep();

    // One sweep, as a service makes it.
    private static Sweep NewSweep(IStreamStore store, TestClock clock)
    {
        var sweeper = new StartSweeper(store, "sweeper", static _ => { }, FlowLab.Cancellation);
        var calls = new StoreRetrier(store, clock, static _ => { }, TimeSpan.FromMinutes(1));
        return async () =>
        {
            List<string> notStarted = [];
            await foreach (FlowRunInfo _ in FlowReports.ListAsync(calls, FlowLab.Cancellation, notStarted.Add)) { }
            await sweeper.SweepAsync(notStarted, await store.GetTimeAsync(FlowLab.Cancellation));
        };
    }

    /// <summary>A service dies in a start: it has opened the streams, and has not committed yet.</summary>
    private static async Task DieInsideAStartAsync(IStreamStore store, TestClock clock, string run)
    {
        var isThere = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var dying = new HookedStore(store)
        {
            BeforeCommit = _ =>
            {
                isThere.TrySetResult();
                return new TaskCompletionSource().Task;
            },
        };
        var starter = Supervisor.Attach(dying, new() { Name = "starter", Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan });
        _ = starter.StartAsync(Working, [IOVal.Of("x", 1)], run: run, cancellation: FlowLab.Cancellation);
        await isThere.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await starter.AbandonAsync();
    }
}
