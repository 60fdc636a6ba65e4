using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Storage;

/// <summary>How many reads the question for the oldest entry makes at once: a store has few connections, and commits need them,
/// too.</summary>
[Collection(SpanTests.Name)]
public sealed class OldestReadsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FourPartitionsOfAGroupAreReadAtOnce()
    {
        await using var inner = new MemoryStreamStore();
        var group = new GroupId("orders", "orders");
        await inner.OpenStreamAsync("orders", new() { Partitions = 64 }, Cancellation);
        await inner.AddGroupAsync(group, StreamStart.First, Cancellation);
        using (var batch = new EntryBatch())
        {
            for (int i = 0; i < 1000; i++) batch.Add("1"u8, EntryKey.Of($"{i}"));
            await inner.AppendAsync(new("orders", "p", 0, 1, batch), Cancellation);
        }
        var store = new CountedStore(inner);
        Assert.NotNull(await new StoreInspector(store).FindOldestAsync(group, Cancellation));
        Assert.Equal(4, store.MaxReads);
    }

    [Fact]
    public async Task OneCollectionOfMetricsLeavesConnectionsToCommits()
    {
        using var metrics = new MetricLog("messaging.destination.name=reads-0");
        await using var inner = new MemoryStreamStore();
        var store = new CountedStore(inner);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<Consecutor<int>> all = [];
        for (int i = 0; i < 8; i++)
            all.Add(new($"reads-{i}", source => source | (async (int _) => await goOn.Task) | Stage.Named("end"),
                new() { Store = store, Stream = new() { Partitions = 8 } }));
        foreach (Consecutor<int> one in all)
        {
            await one.StartAsync(Cancellation);
            for (int i = 0; i < 64; i++) await one.SendAsync(i, Cancellation);
        }
        while (store.Streams.Count < all.Count)
        {
            metrics.Collect();
            await Task.Yield();
        }
        goOn.SetResult();
        foreach (Consecutor<int> one in all) await one.DisposeAsync();
        Assert.InRange(store.MaxReads, 1, 8);
    }

    private sealed class CountedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly Lock sync = new();
        private int reads;

        public int MaxReads { get; private set; }

        public ConcurrentDictionary<string, bool> Streams { get; } = new();

        // Only the inspector reads: consecutors lease.
        public override async ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
        {
            lock (sync) MaxReads = Math.Max(MaxReads, ++reads);
            for (int i = 0; i < 100; i++) await Task.Yield();        // others begin meanwhile
            lock (sync) reads--;
            Streams[request.Stream] = true;
            return await base.ReadAsync(request, cancellation);
        }
    }
}
