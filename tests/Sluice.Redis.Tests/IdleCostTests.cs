using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>An idle user costs the server less than one call a second. Each test moves its clock and has its own server.</summary>
public class IdleCostTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnIdleReaderOfAStreamCostsLessThanACallASecond()
    {
        await using RedisServer own = await RedisServer.StartAsync();
        await using RedisStreamStore store = await ConnectAsync(own);
        await store.PrepareAsync();
        long seen = await store.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        long before = await store.CallsAsync();

        for (TimeSpan passed = default; passed < Minute; passed += Poll)
        {
            Task<long> waiting = store.WaitForChangeAsync(Rows.Orders, seen, Cancellation).AsTask();
            Assert.False(waiting.IsCompleted);
            clock.Advance(Poll);
            seen = await waiting;
            Assert.Empty(await store.ReadAsync(Rows.Orders));
        }

        Assert.InRange(await store.CallsAsync() - before, 1, 59);
    }

    [Fact]
    public async Task AnIdleReaderOfAResultCostsLessThanACallASecond()
    {
        await using RedisServer own = await RedisServer.StartAsync();
        await using RedisStreamStore store = await ConnectAsync(own);
        await using var supervisor = Supervisor.Attach(store, new() { Time = clock });
        Flow flow = Flow.From(new Processor("work") { Inputs = ["x"], Outputs = ["y"] }).Resolve();
        await using FlowRun run = await supervisor.StartAsync(flow, [IOVal.Of("x", 1)], cancellation: Cancellation);
        Assert.InRange(await MinuteAsync(store), 1, 59);         // the starter follows the run

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<int> first = run.Output<int>("y").FirstAsync(enough.Token).AsTask();
        Assert.InRange(await MinuteAsync(store), 1, 59);
        Assert.False(first.IsCompleted);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Fact]
    public async Task AnIdleHostOfAProcessorCostsLessThanACallASecond()
    {
        await using RedisServer own = await RedisServer.StartAsync();
        await using RedisStreamStore store = await ConnectAsync(own);
        await using var supervisor = Supervisor.Attach(store, new() { Time = clock });
        supervisor.Register(new Processor("work") { Inputs = ["x"], Outputs = ["y"] }, (IO<int> x) => Task.FromResult(1));
        while (await store.FindGroupAsync(new("work/work", "hosts"), Cancellation) is not { } group
            || group.Partitions.Any(partition => partition.Owner is null)) Cancellation.ThrowIfCancellationRequested();
        Assert.InRange(await MinuteAsync(store), 1, 59);
    }

    [Fact]
    public async Task AnIdleConsecutorCostsLessThanACallASecond()
    {
        await using RedisServer own = await RedisServer.StartAsync();
        await using RedisStreamStore store = await ConnectAsync(own);
        await using var orders = new Consecutor<string>("orders", source => source | (_ => { }),
            new() { Store = store, Run = new() { Time = clock } });
        await orders.StartAsync(Cancellation);
        Assert.InRange(await MinuteAsync(store), 1, 59);
    }

    // Every change of any stream sends a message.
    [Fact]
    public async Task AStoreGetsNoMessagesOfChangesBeforeACallerWaitsForOne()
    {
        await using RedisServer own = await RedisServer.StartAsync();
        await using RedisStreamStore writer = await ConnectAsync(own);
        await writer.PrepareAsync();
        await writer.AppendAsync(1, "a");
        await using RedisStreamStore store = await ConnectAsync(own);
        var inspector = new StoreInspector(store);
        Assert.Equal(2, (await inspector.LookAsync(cancellation: Cancellation)).Count);
        Assert.NotNull(await inspector.FindOldestAsync(Rows.Main, Cancellation));
        using EntryBatch more = Rows.Batch("b");
        await store.AppendAsync(new(Rows.Orders, "other", 0, 1, more), Cancellation);
        Assert.Equal(0, await writer.ListenersAsync());

        long seen = await store.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        Assert.Equal(1, await writer.ListenersAsync());
        Task<long> waiting = store.WaitForChangeAsync(Rows.Orders, seen, Cancellation).AsTask();
        Assert.False(waiting.IsCompleted);
        await writer.AppendAsync(2, "c");
        await waiting;                               // the clock stands still, so a message has come
    }

    [Fact]
    public async Task WithoutAServerAWaitForAChangeEndsWithTheNextPollOnceItIsBack()
    {
        await using RedisServer own = await RedisServer.StartAsync("--appendfsync", "always");
        RedisStoreOptions options = Patient.Mortal with { Time = clock, Silence = TimeSpan.FromMilliseconds(300) };
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(own.Address, options, Cancellation);
        await store.PrepareAsync();
        await own.KillAsync();
        Task<long> first = store.WaitForChangeAsync(Rows.Orders, -1, Cancellation).AsTask();
        await own.StartAgainAsync();
        long seen = await first;
        await using RedisStreamStore writer = await ConnectAsync(own);
        while (await writer.ListenersAsync() == 0)
        {
            clock.Advance(Poll);
            await store.ReadAsync(Rows.Orders);
        }
        // From here on the clock of the store stands still.
        seen = await store.WaitForChangeAsync(Rows.Orders, -1, Cancellation);
        await writer.AppendAsync(1, "a");
        while ((await store.ReadAsync(Rows.Orders)).Length == 0) seen = await store.WaitForChangeAsync(Rows.Orders, seen, Cancellation);
    }

    private static TimeSpan Poll => new RedisStoreOptions().PollInterval;

    private async Task<RedisStreamStore> ConnectAsync(RedisServer server)
        => await RedisStreamStore.ConnectAsync(server.Address, Patient.Options with { Time = clock }, Cancellation);

    /// <summary>Lets a minute pass: at each poll, waits until the idle user has called the store.</summary>
    /// <returns>The number of calls to the server in this minute.</returns>
    private async Task<long> MinuteAsync(RedisStreamStore store)
    {
        long before = await store.CallsAsync(), last = before;
        for (TimeSpan passed = default; passed < Minute; passed += Poll)
        {
            clock.Advance(Poll);
            for (long now = last; now == last; now = await store.CallsAsync()) Cancellation.ThrowIfCancellationRequested();
            last = await store.CallsAsync();
        }
        long cost = await store.CallsAsync() - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{cost} calls in a minute");
        return cost;
    }
}
