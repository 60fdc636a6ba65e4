using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>What it costs the server when nothing happens: less than one command a second. The time is the test's, the server is its
/// own.</summary>
public class IdleTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AReaderOfAStream()
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
    public async Task AReaderOfAResult()
    {
        await using RedisServer own = await RedisServer.StartAsync();
        await using RedisStreamStore store = await ConnectAsync(own);
        await using var supervisor = Supervisor.Attach(store, new() { Time = clock });
        Flow flow = Flow.From(new Processor("work") { Inputs = ["x"], Outputs = ["y"] }).Resolve();
        await using FlowRun run = await supervisor.StartAsync(flow, [IOVal.Of("x", 1)], cancellation: Cancellation);
        Assert.InRange(await MinuteAsync(store), 1, 59);         // the run is followed

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<int> first = run.Output<int>("y").FirstAsync(enough.Token).AsTask();
        Assert.InRange(await MinuteAsync(store), 1, 59);
        Assert.False(first.IsCompleted);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Fact]
    public async Task AHostOfAProcessor()
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
    public async Task AConsecutor()
    {
        await using RedisServer own = await RedisServer.StartAsync();
        await using RedisStreamStore store = await ConnectAsync(own);
        await using var orders = new Consecutor<string>("orders", source => source | (_ => { }),
            new() { Store = store, Run = new() { Time = clock } });
        await orders.StartAsync(Cancellation);
        Assert.InRange(await MinuteAsync(store), 1, 59);
    }

    private static TimeSpan Poll => new RedisStoreOptions().PollInterval;

    private async Task<RedisStreamStore> ConnectAsync(RedisServer server)
        => await RedisStreamStore.ConnectAsync(server.Address, new() { Time = clock }, Cancellation);

    /// <summary>A minute passes, in which something looks whenever the store has its waiters look.</summary>
    /// <returns>How many calls of the store's functions that has cost.</returns>
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
