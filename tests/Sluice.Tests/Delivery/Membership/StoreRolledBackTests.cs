using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>A store that knows less than it has acknowledged: an earlier copy of it was put in its place, or all of it was
/// deleted.</summary>
public class StoreRolledBackTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ARollbackIsReportedAndProcessingContinuesUnderNewIds(bool isCopy)
    {
        // Both have accepted 1 to 5; the later one 6 to 9 as well. In the earlier one all are pending.
        await using MemoryStreamStore earlier = new(), later = new();
        if (isCopy) await SendAsync(earlier, [1, 2, 3, 4, 5]);
        await SendAsync(later, [1, 2, 3, 4, 5]);
        IStreamStore store = SwitchedStore.Over(later, out Action<IStreamStore> put);
        var seen = new ConcurrentQueue<(int Item, string Id)>();
        await using Consecutor<int> consecutor = New(store, seen);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([6, 7, 8, 9], Cancellation);
        Assert.Equal(9, (await consecutor.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Null(consecutor.Snapshot().Loss);
        seen.Clear();

        put(earlier);
        await consecutor.SendAsync(10, Cancellation);
        int expected = isCopy ? 6 : 1;
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true } snapshot && snapshot.Completed == expected);

        ConsecutorSnapshot end = consecutor.Snapshot();
        Assert.Equal((expected, 0L), (end.Accepted, end.Unaccounted));
        Assert.Contains("The store has lost what it had acknowledged", end.Loss, StringComparison.Ordinal);
        Assert.Contains("loss: ", end.ToString(), StringComparison.Ordinal);
        Assert.True(store.Generation > 1);
        // Each item is counted once and started at least once: items that were started before the reload are started again.
        Assert.Equal(isCopy ? [1, 2, 3, 4, 5, 10] : [10], seen.Select(entry => entry.Item).Distinct().Order());
        Assert.All(seen.Where(entry => entry.Item == 10),
            entry => Assert.False(entry.Id.EndsWith("@1", StringComparison.Ordinal), "an id that may have been another's"));
    }

    /// <summary>A store of another author, which was written before members said what they know.</summary>
    [Fact]
    public async Task AStoreThatGivesAnEpochAgainStopsThePartition()
    {
        await using MemoryStreamStore earlier = new(), later = new();
        IStreamStore store = SwitchedStore.Over(later, out Action<IStreamStore> put);
        await using Consecutor<int> consecutor = New(store, new());
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        put(new FaultyStoreTests.ForgetsKnownEpochs(earlier));
        await consecutor.SendAsync(4, Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot().Stopped.Count > 0);
        Assert.Contains("It must give a higher one", consecutor.Snapshot().Stopped[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EachLossIsReportedOnce()
    {
        await using MemoryStreamStore first = new(), second = new(), third = new();
        IStreamStore store = SwitchedStore.Over(first, out Action<IStreamStore> put);
        var warnings = new ConcurrentQueue<string>();
        await using var consecutor = new Consecutor<int>("work", source => source.ForEach(_ => { }),
            Options(store) with { OnWarning = warnings.Enqueue });
        await consecutor.StartAsync(Cancellation);
        int losses = 0;
        foreach (MemoryStreamStore empty in (MemoryStreamStore[])[second, third])
        {
            await consecutor.SendAllAsync([1, 2, 3], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            put(empty);
            await consecutor.SendAsync(4, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            losses++;
            Assert.Equal(losses, warnings.Count(text => text.StartsWith("The consecutor work: The store has lost what it had acknowledged",
                StringComparison.Ordinal) && text.Contains("Send the lost items again", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnItemInFlightAtARollbackSettlesNoOtherItem(bool isCopy)
    {
        await using MemoryStreamStore earlier = new(), later = new();
        if (isCopy) await SendAsync(earlier, [1, 2, 3]);
        await SendAsync(later, [1, 2, 3]);
        IStreamStore store = SwitchedStore.Over(later, out Action<IStreamStore> put);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new ConcurrentQueue<int>();
        await using var consecutor = new Consecutor<int>("work",
            source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken _) =>
        {
            begun.TrySetResult();
            await go.Task;
            done.Enqueue(n);
        }), Options(store));
        await consecutor.StartAsync(Cancellation);
        await begun.Task; // 1 is under way: what it settles in the later store is the first entry of the earlier one, too
        put(earlier);
        go.SetResult();
        Task late = consecutor.SendAllAsync([4, 5], Cancellation).AsTask();
        await late;
        int expected = isCopy ? 5 : 2;
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true } snapshot && snapshot.Completed == expected);
        Assert.Equal((expected, 0L), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Unaccounted));
        int[] wanted = isCopy ? [1, 2, 3, 4, 5] : [4, 5];
        Assert.All(wanted, n => Assert.Contains(n, done));
        Assert.NotNull(consecutor.Snapshot().Loss);
    }

    [Fact]
    public async Task AResumableProducerFailsOnARollbackAndResendsTheLostItems()
    {
        await using MemoryStreamStore earlier = new(), later = new();
        await ProduceAsync(earlier, 20);
        await ProduceAsync(later, 20);
        IStreamStore store = SwitchedStore.Over(later, out Action<IStreamStore> put);
        var seen = new ConcurrentQueue<(int Item, string Id)>();
        await using Consecutor<int> consecutor = New(store, seen);
        await consecutor.StartAsync(Cancellation);
        await (Source.Resumable("numbers", Enumerable.Range(0, 40)) | consecutor).RunAsync(cancellation: Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);

        var failure = await Assert.ThrowsAnyAsync<Exception>(() =>
            (Source.Resumable("numbers", SwitchedAt(50)) | consecutor).RunAsync(cancellation: Cancellation));
        Assert.Contains("Run the producer again", failure.ToString(), StringComparison.Ordinal);
        await (Source.Resumable("numbers", Enumerable.Range(0, 60)) | consecutor).RunAsync(cancellation: Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true, Completed: 60 });
        Assert.Equal((60L, 0L), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Unaccounted));
        Assert.NotNull(consecutor.Snapshot().Loss);
        Assert.Equal(Enumerable.Range(0, 60), seen.Select(entry => entry.Item).Distinct().Order());

        IEnumerable<int> SwitchedAt(int end)
        {
            for (int n = 0; n < end; n++)
            {
                if (n == 45) put(earlier);
                yield return n;
            }
        }
    }

    [Theory]
    [InlineData(nameof(IStreamStore.FindStreamAsync))]           // the reload after the loss is running when the start comes
    [InlineData(nameof(IStreamStore.HeartbeatAsync))]                 // the start is running when a sender finds out
    public async Task ASenderMayDiscoverARollbackWhileTheConsecutorStarts(string held)
    {
        await using MemoryStreamStore earlier = new(), later = new();
        await SendAsync(earlier, [1, 2]);
        await SendAsync(later, [1, 2]);
        var store = new HeldOnce(SwitchedStore.Over(later, out Action<IStreamStore> put), held);
        var seen = new ConcurrentQueue<(int Item, string Id)>();
        await using Consecutor<int> consecutor = New(store, seen);
        await consecutor.SendAsync(3, Cancellation);
        put(earlier);
        Task starting = Task.CompletedTask;
        bool isFirst = held == nameof(IStreamStore.HeartbeatAsync);
        if (isFirst) starting = consecutor.StartAsync(Cancellation);
        Task sent = consecutor.SendAsync(4, Cancellation).AsTask();
        await store.Called;
        await Member.UntilAsync(() => consecutor.Snapshot().Loss is not null);
        if (!isFirst) starting = consecutor.StartAsync(Cancellation);
        store.Release();
        await starting;
        await sent;
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true, Completed: 3 });
        Assert.Equal((3L, 0L), (consecutor.Snapshot().Accepted, consecutor.Snapshot().Unaccounted));
        Assert.Equal([1, 2, 4], seen.Select(entry => entry.Item).Distinct().Order());
    }

    private static Consecutor<int> New(IStreamStore store, ConcurrentQueue<(int, string)> seen)
        => new("work", source => source.ForEachAsync((int n, ItemContext item, CancellationToken _) =>
    {
        seen.Enqueue((n, item.Id));
        return default;
    }), Options(store));

    private static ConsecutorOptions Options(IStreamStore store)
        => new() { Store = store, Stream = new() { Partitions = 2 }, Process = new() };

    /// <summary>Accepted, and not started.</summary>
    private static async Task SendAsync(IStreamStore store, int[] items)
    {
        await using var consecutor = new Consecutor<int>("work", source => source | (_ => { }), Options(store));
        await consecutor.SendAllAsync(items, Cancellation);
    }

    private static async Task ProduceAsync(IStreamStore store, int count)
    {
        await using var consecutor = new Consecutor<int>("work", source => source | (_ => { }), Options(store));
        await (Source.Resumable("numbers", Enumerable.Range(0, count)) | consecutor).RunAsync(cancellation: Cancellation);
    }

    /// <summary>The first call of one kind waits until it is released.</summary>
    private sealed class HeldOnce(IStreamStore inner, string held) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource called = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Called => called.Task;

        public void Release() => released.SetResult();

        public override async ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            await HoldAsync(nameof(FindStreamAsync));
            return await Inner.FindStreamAsync(stream, cancellation);
        }

        public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        {
            await HoldAsync(nameof(HeartbeatAsync));
            return await Inner.HeartbeatAsync(request, cancellation);
        }

        private Task HoldAsync(string call) => call == held && called.TrySetResult() ? released.Task : Task.CompletedTask;
    }
}
