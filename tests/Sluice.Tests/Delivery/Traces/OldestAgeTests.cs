using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>How often the age of the oldest item is asked of the store.</summary>
[Collection(SpanTests.Name)]
public sealed class OldestAgeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStoreThatFailsIsAskedNoMoreOftenThanOneThatAnswers()
    {
        using var metrics = new MetricLog("messaging.destination.name=aged");
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        var store = new AskedStore(inner);
        var isInside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int>("aged", source => source | (async (int _, CancellationToken token) =>
        {
            isInside.SetResult();
            await Task.Delay(Timeout.Infinite, token);
        }) | Stage.Named("end"), new() { Store = store, Stream = new() { Partitions = 1 }, Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await isInside.Task.WaitAsync(Cancellation);

        store.IsAway = true;
        for (int asked = 1; asked <= 2; asked++)
        {
            Task failed = store.FailedAsync(Cancellation);
            while (!failed.IsCompleted)              // the look before may not have ended
            {
                metrics.Collect();
                await Task.Yield();
            }
            for (int i = 0; i < 1000; i++)           // the look ends meanwhile
            {
                metrics.Collect();
                await Task.Yield();
            }
            Assert.Equal(asked, store.Asked);
            clock.Advance(TimeSpan.FromSeconds(5));
        }
        Assert.Null(metrics.Last("sluice.consecutor.oldest.age"));
    }

    /// <summary>The item that was the oldest before has ended: its age says nothing about the next one.</summary>
    [Fact]
    public async Task AnItemAfterAnHourWithoutAnyIsNotAnHourOld()
    {
        using var metrics = new MetricLog("messaging.destination.name=rested");
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        TaskCompletionSource[] goOn = [new(), new()];
        await using var consecutor = new Consecutor<int>("rested", source => source | (async (int n) => await goOn[n].Task)
            | Stage.Named("end"), new() { Store = store, Stream = new() { Partitions = 1 }, Run = new() { Time = clock } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(0, Cancellation);
        await CollectAsync();
        goOn[0].SetResult();
        await consecutor.WaitForIdleAsync(Cancellation);
        metrics.Collect();
        clock.Advance(TimeSpan.FromHours(1));
        metrics.Clear();
        await consecutor.SendAsync(1, Cancellation);
        await CollectAsync();
        Assert.InRange(metrics.Last("sluice.consecutor.oldest.age")!.Value, 0, 60);
        goOn[1].SetResult();

        async Task CollectAsync()
        {
            while (metrics.Last("sluice.consecutor.oldest.age") is null)
            {
                metrics.Collect();
                await Task.Yield();
            }
        }
    }

    private sealed class AskedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly SemaphoreSlim failed = new(0);
        private int asked;

        public bool IsAway { get; set; }

        public int Asked => Volatile.Read(ref asked);

        public Task FailedAsync(CancellationToken cancellation) => failed.WaitAsync(cancellation);

        // Only the look reads: consecutors lease.
        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
        {
            if (!IsAway) return base.ReadAsync(request, cancellation);
            Interlocked.Increment(ref asked);
            failed.Release();
            throw new StreamStoreException("away");
        }
    }
}
