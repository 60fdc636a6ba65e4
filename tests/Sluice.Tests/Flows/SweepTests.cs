using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>One of many services sweeps: it looks through all runs and removes old ones.</summary>
public class SweepTests
{
    private const int Services = 10;
    private static readonly TimeSpan Keep = TimeSpan.FromHours(1);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task OneServiceSweepsAtATimeAndAnotherTakesOver()
    {
        var clock = new TestClock();
        await using var store = new CountingStore(new MemoryStreamStore(clock));
        SupervisorOptions Named(int n) => new() { Name = $"service-{n}", Time = clock, RunRetentionDuration = Keep };
        await using (var host = Supervisor.Attach(store, Named(0) with { RunRetentionDuration = Timeout.InfiniteTimeSpan }))
        {
            host.Register(Work, StartTests.CopyAsync);
            for (int i = 0; i < 20; i++)
            {
                await using FlowRun run = await host.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", i)],
                    cancellation: FlowLab.Cancellation);
                await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            }
        }
        Supervisor[] services = [.. Enumerable.Range(1, Services).Select(n => Supervisor.Attach(store, Named(n)))];
        store.Calls.Clear();
        for (int round = 0; round < 5; round++) await RoundAsync(Services);
        // In each round, one service finds each journal and reads it to its end.
        Assert.InRange(store.Calls.GetValueOrDefault(nameof(IStreamStore.ReadAsync)), 5 * 20, 5 * 20 * 3);
        Assert.InRange(store.Calls.GetValueOrDefault(nameof(IStreamStore.ListStreamsAsync)), 5, 10);
        Assert.Equal(20, (await store.ListStreamsAsync("flow/")).Count);

        string sweeper = (await store.FindGroupAsync(new("flow-sweep", $"keep {Keep}")))!.Partitions[0].Owner!;
        Supervisor dead = services.Single(service => service.Name == sweeper);
        await dead.AbandonAsync();
        for (int round = 0; round < 12; round++) await RoundAsync(Services - 1);
        Assert.Empty(await store.ListStreamsAsync("flow/"));
        string next = (await store.FindGroupAsync(new("flow-sweep", $"keep {Keep}")))!.Partitions[0].Owner!;
        Assert.NotEqual(sweeper, next);

        // A service that stops gives up the sweep.
        foreach (Supervisor service in services.Where(service => service != dead)) await service.DisposeAsync();
        GroupInfo left = (await store.FindGroupAsync(new("flow-sweep", $"keep {Keep}")))!;
        Assert.Null(left.Partitions[0].Owner);

        // Services look at the turn each minute. Each look ends before the next one: an owner that is late would count as silent.
        async Task RoundAsync(int living)
        {
            for (int minute = 0; minute < 6; minute++)
            {
                await clock.WaitForTimersAsync(living, FlowLab.Cancellation);
                clock.Advance(Keep / 60);
                await clock.WaitForTimersAsync(living, FlowLab.Cancellation);
            }
        }
    }

    /// <remarks>The store's time is the time of an end. Formerly the clock of the sweeping service decided, and results were removed before
    /// they were read.</remarks>
    [Theory]
    [InlineData(-2)]
    [InlineData(2)]
    public async Task AServiceWithAWrongClockKeepsRunsForTheRetentionDuration(int daysAhead)
    {
        var clock = new TestClock();
        var away = new WallClock(clock);
        away.Jump(TimeSpan.FromDays(daysAhead));
        var warnings = new ConcurrentQueue<string>();
        await using var store = new MemoryStreamStore(clock);
        await using var host = Supervisor.Attach(store,
            new() { Name = "host", Time = new TestClock(), RunRetentionDuration = Timeout.InfiniteTimeSpan });
        host.Register(Work, StartTests.CopyAsync);
        await using FlowRun run = await host.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        DateTimeOffset ended = clock.GetUtcNow();
        await using var sweeper = Supervisor.Attach(store,
            new() { Name = "sweeper", Time = away, RunRetentionDuration = Keep, OnWarning = warnings.Enqueue });
        while ((await store.ListStreamsAsync("flow/")).Count > 0)
        {
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);           // the sweeper's: it waits for its next round
            clock.Advance(Keep / 10);
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
            // The clock may be ahead of a sweep that is under way.
            Assert.True(clock.GetUtcNow() - ended < 50 * Keep, "the run is kept for ever");
        }
        Assert.True(clock.GetUtcNow() - ended >= Keep, $"the run was deleted after {clock.GetUtcNow() - ended}");
        string warning = Assert.Single(warnings);
        Assert.Contains("The clock of this machine says", warning, StringComparison.Ordinal);
    }

    /// <remarks>Formerly the round ended at such a run, so that no run behind it was ever removed.</remarks>
    [Fact]
    public async Task ARunThatCannotBeDeletedDoesNotKeepTheRunsBehindIt()
    {
        var clock = new TestClock();
        var warnings = new ConcurrentQueue<string>();
        await using var store = new DamagedRunStore(new MemoryStreamStore(clock), "r2");
        await using (var host = Supervisor.Attach(store, new() { Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan }))
        {
            host.Register(Work, StartTests.CopyAsync);
            foreach (string id in (string[])["r1", "r2", "r3"])
            {
                await using FlowRun run = await host.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: id,
                    cancellation: FlowLab.Cancellation);
                await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            }
        }
        await using var sweeper = Supervisor.Attach(store,
            new() { Name = "sweeper", Time = clock, RunRetentionDuration = Keep, OnWarning = warnings.Enqueue });
        for (int round = 0; round < 20; round++)
        {
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
            clock.Advance(Keep / 10);
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
        }
        Assert.Equal(["flow/r2"], await store.ListStreamsAsync("flow/"));
        Assert.Equal("The run r2 has ended and cannot be removed: The stream is damaged, as the test wants.", Assert.Single(warnings));
    }

    /// <summary>The values of one run cannot be deleted.</summary>
    private sealed class DamagedRunStore(IStreamStore inner, string run) : StreamStoreWrapper(inner)
    {
        public override ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default)
            => stream.StartsWith(FlowNames.AllValues(run), StringComparison.Ordinal)
                ? throw new StreamStoreException("The stream is damaged, as the test wants.") { IsPermanent = true }
                : base.DeleteStreamAsync(stream, cancellation);
    }

    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public ConcurrentDictionary<string, int> Calls { get; } = new();

        protected override ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            Calls.AddOrUpdate(name, 1, static (_, count) => count + 1);
            return call();
        }
    }
}
