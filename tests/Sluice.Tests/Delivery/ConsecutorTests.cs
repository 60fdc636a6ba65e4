using System.Collections.Concurrent;

namespace Sluice.Tests.Deliveries;

public class ConsecutorTests
{
    [Fact]
    public async Task WhatIsSentIsProcessedAndCounted()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<int>();
        await using var consecutor = new Consecutor<int>("numbers", source => source.Where(n => n % 3 != 0) | (n => n * 2) | seen.Add, new() { Store = store });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);

        for (int i = 0; i < 30; i++) await consecutor.SendAsync(i, TestContext.Current.CancellationToken);
        ConsecutorSnapshot end = await consecutor.IdleAsync(TestContext.Current.CancellationToken);

        Assert.Equal((30L, 20L, 10L, 0L), (end.Accepted, end.Completed, end.Skipped, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, 30).Where(n => n % 3 != 0).Select(n => n * 2), seen.Order());
    }
}
