using Sluice;
using Sluice.Testing;

namespace Worker.Tests;

/// <summary>Tests with virtual time: seconds pass when the test says so.</summary>
public class ItemPipelineTests
{
    private readonly TestClock clock = new();

    [Fact(Timeout = 30_000)]
    public async Task AnItemThatFailsIsTriedAgainAfterASecond()
    {
        var handler = new FailingHandler(failures: 1);
        await using Consecutor<Item> items = await SendAsync(new Item("1", "hello"), handler);

        await FailAndWaitAsync(items, handler, attempt: 1, wait: TimeSpan.FromSeconds(1));

        Assert.Equal(1, (await items.WaitForIdleAsync(TestContext.Current.CancellationToken)).Completed);
        Assert.Equal(2, handler.Calls);
    }

    [Fact(Timeout = 30_000)]
    public async Task AnItemThatAlwaysFailsIsADeadLetterAfterFourAttempts()
    {
        var handler = new FailingHandler(failures: int.MaxValue);
        await using Consecutor<Item> items = await SendAsync(new Item("1", "hello"), handler);

        for (int attempt = 1; attempt <= 3; attempt++)
            await FailAndWaitAsync(items, handler, attempt, wait: TimeSpan.FromSeconds(1 << (attempt - 1)));

        Assert.Equal(1, (await items.WaitForIdleAsync(TestContext.Current.CancellationToken)).Dead);
        Assert.Equal(4, handler.Calls);
    }

    private async Task<Consecutor<Item>> SendAsync(Item item, FailingHandler handler)
    {
        var items = new Consecutor<Item>("items", source => ItemPipeline.Build(source, handler), ItemPipeline.Configure(
            new ConsecutorOptions { Store = new MemoryStreamStore(clock), Run = new RunOptions { Time = clock } }));
        await items.StartAsync(TestContext.Current.CancellationToken);
        await items.SendAsync(item, TestContext.Current.CancellationToken);
        return items;
    }

    private async Task FailAndWaitAsync(Consecutor<Item> items, FailingHandler handler, int attempt, TimeSpan wait)
    {
        CancellationToken timeout = TestContext.Current.CancellationToken;
        while (handler.Calls < attempt || items.Snapshot().Retrying == 0)
        {
            Assert.True(items.Snapshot().Dead == 0, $"The item is a dead letter after {handler.Calls} attempts, and not tried again.");
            timeout.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        Assert.Equal(attempt, handler.Calls);
        await clock.WaitForTimersAsync(2, timeout);       // the consecutor's heartbeat, and the retry
        clock.Advance(wait);
    }

    private sealed class FailingHandler(int failures) : IItemHandler
    {
        private int calls;

        public int Calls => Volatile.Read(ref calls);

        public Task HandleAsync(Item item, CancellationToken cancellation)
            => Interlocked.Increment(ref calls) <= failures ? throw new InvalidOperationException("not now") : Task.CompletedTask;
    }
}
