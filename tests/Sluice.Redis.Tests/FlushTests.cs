using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>
/// All data is deleted (<c>FLUSHALL</c>) while services run flows: they report it and continue with new runs. Each test has its own server.
/// </summary>
public class FlushTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly Processor Doubles = new("doubles") { Inputs = ["x"], Outputs = ["y"] };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(nameof(ISupervisor.StartAsync))]
    [InlineData(nameof(ISupervisor.FindAsync))]
    [InlineData(nameof(ISupervisor.ListAsync))]
    [InlineData(nameof(ISupervisor.CancelAsync))]
    [InlineData(nameof(ISupervisor.DeleteAsync))]
    public async Task AServiceThatStartsFlowsReportsAFlushOnceAndContinues(string call)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
        await using var starter = Supervisor.Attach(store, CallsOnly);
        for (int generation = 1; generation <= 2; generation++)
        {
            string id = $"before-{generation}";
            await (await StartAsync(starter, 1, id)).DisposeAsync();
            await FlushAsync(store);

            StoreRolledBackException told = await Assert.ThrowsAsync<StoreRolledBackException>(() => CallAsync(id));
            Assert.Contains("FLUSHALL", told.Message, StringComparison.Ordinal);
            await CallAsync(id);
            Assert.Equal(generation + 1, store.Generation);
        }

        // A service that starts now executes the run.
        await using RedisStreamStore hosting = await RedisStreamStore.ConnectAsync(server.Address, cancellation: Cancellation);
        await using var host = Supervisor.Attach(hosting);
        Host(host);
        await CheckAsync(starter, 21);

        async Task CallAsync(string id)
        {
            switch (call)
            {
                case nameof(ISupervisor.StartAsync):
                    await (await StartAsync(starter, 1, id)).DisposeAsync();
                    break;
                case nameof(ISupervisor.FindAsync):
                    Assert.Null(await starter.FindAsync(id, Cancellation));
                    break;
                case nameof(ISupervisor.ListAsync):
                    await foreach (FlowRunInfo _ in starter.ListAsync(Cancellation)) Assert.Fail("There is a run.");
                    break;
                case nameof(ISupervisor.CancelAsync):
                    Assert.False(await starter.CancelAsync(id, cancellation: Cancellation));
                    break;
                default:
                    Assert.False(await starter.DeleteAsync(id, Cancellation));
                    break;
            }
        }
    }

    // The clock stands still, so only calls notice the loss, and no poll.
    [Fact]
    public async Task TheStatusOfAFlushedRunIsThatItIsGone()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, new() { Time = new TestClock() },
            Cancellation);
        await using var starter = Supervisor.Attach(store, CallsOnly);
        await using FlowRun run = await StartAsync(starter, 1);
        await FlushAsync(store);

        await Assert.ThrowsAsync<StoreRolledBackException>(() => run.GetStatusAsync(Cancellation));
        FlowException gone = await Assert.ThrowsAsync<FlowException>(() => run.GetStatusAsync(Cancellation));
        Assert.Contains("it was deleted, or the store was emptied", gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHostAndAStarterContinueWithNewRunsAfterAFlush()
    {
        var options = new RedisStoreOptions { PollInterval = TimeSpan.FromMilliseconds(200) };
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore starting = await RedisStreamStore.ConnectAsync(server.Address, options, Cancellation);
        await using RedisStreamStore hosting = await RedisStreamStore.ConnectAsync(server.Address, options, Cancellation);
        await using var starter = Supervisor.Attach(starting, new() { Name = "starter" });
        var warnings = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var host = Supervisor.Attach(hosting, new() { Name = "host", OnWarning = warnings.Enqueue });
        var entered = new SemaphoreSlim(0);
        var left = new SemaphoreSlim(0);
        bool isBlocked = true;
        Host(host, async cancellation =>
        {
            bool blocks = Volatile.Read(ref isBlocked);          // the test changes it once it is told
            entered.Release();
            try
            {
                if (blocks) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
            }
            finally
            {
                left.Release();
            }
        });
        for (int round = 1; round <= 2; round++)
        {
            Volatile.Write(ref isBlocked, true);
            warnings.Clear();
            await using FlowRun lost = await StartAsync(starter, round);
            await entered.WaitAsync(Patience, Cancellation);
            Task<int> reading = lost.Output<int>("y").FirstAsync(Cancellation).AsTask();
            Volatile.Write(ref isBlocked, false);
            await FlushAsync(starting);

            Assert.Contains("FLUSHALL", (await Assert.ThrowsAsync<StoreRolledBackException>(() => lost.Completion.WaitAsync(Patience,
                Cancellation))).Message, StringComparison.Ordinal);
            Exception unread = await Assert.ThrowsAnyAsync<Exception>(() => reading.WaitAsync(Patience, Cancellation));
            Assert.True(unread is StoreRolledBackException or FlowException, $"{unread}");
            await CheckAsync(starter, 10 + round);
            await left.WaitAsync(Patience, Cancellation);
            await left.WaitAsync(Patience, Cancellation);        // and the execution of the lost run has ended, too
            await entered.WaitAsync(Patience, Cancellation);
            // Either a call hears of the loss, or the service sees the new generation that another call of its own has brought.
            Assert.Contains(warnings, text => text.StartsWith("This service starts its work on the processor doubles again: The store at",
                StringComparison.Ordinal) || text.EndsWith("doubles again: The store has lost writes.", StringComparison.Ordinal));
        }
    }

    // One service hosts and starts: either side may notice the loss first.
    [Fact]
    public async Task AServiceThatHostsAndStartsFlowsContinuesAfterAFlush()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, new() { Time = new TestClock() },
            Cancellation);
        await using var service = Supervisor.Attach(store);
        Host(service);
        for (int round = 1; round <= 3; round++)
        {
            await CheckAsync(service, round);
            await FlushAsync(store);
            try
            {
                await CheckAsync(service, 10 + round);
                Assert.Equal(round + 1, store.Generation);
                continue;                            // the hosting side noticed the loss first
            }
            catch (StoreRolledBackException)
            {
                // the starting side noticed it first; the next start succeeds
            }
            await CheckAsync(service, 10 + round);
            Assert.Equal(round + 1, store.Generation);
        }
    }

    // A service that removes ended runs looks for them after ten seconds, and may notice the loss first.
    private static SupervisorOptions CallsOnly => new() { RunRetentionDuration = Timeout.InfiniteTimeSpan };

    private static Task<FlowRun> StartAsync(Supervisor service, int value, string? run = null)
        => service.StartAsync(Flow.From(Doubles).Resolve(), [IOVal.Of("x", value)], run: run, cancellation: Cancellation);

    private static void Host(Supervisor service, Func<CancellationToken, Task>? before = null)
        => service.Register(Doubles, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            if (before is not null) await before(cancellation);
            await foreach (int value in x.StreamAsync(cancellation)) await y.WriteAsync(2 * value, cancellation);
        });

    private static async Task CheckAsync(Supervisor service, int value)
    {
        await using FlowRun run = await StartAsync(service, value);
        Assert.Equal(2 * value, await run.Output<int>("y").FirstAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation));
        await run.Completion.WaitAsync(Patience, Cancellation);
    }

    private static async Task FlushAsync(RedisStreamStore store) => await store.Connection.Database.ExecuteAsync("FLUSHALL");
}
