using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Deadlines and cancellations are kept although the store hangs: its calls never return and ignore their tokens.</summary>
public class DeadlineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStopKeepsItsDeadlineWhileTheStoreHangsAndLosesNoItem(bool isDeaf)
    {
        await using var inner = new MemoryStreamStore(clock);
        var store = new FrozenStore(inner);
        List<string> warnings = [];
        using SemaphoreSlim begun = new(0);
        var goOn = new TaskCompletionSource();
        var consecutor = new Consecutor<int>("work", source => source.ForEachAsync(async (n, _, _) =>
        {
            begun.Release();
            if (isDeaf) await goOn.Task;
        }), Options(store) with { OnWarning = warnings.Add });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        if (!isDeaf) await consecutor.WaitForIdleAsync(Cancellation);
        else await begun.WaitAsync(Cancellation);
        store.Freeze();
        Task sending = isDeaf ? Task.CompletedTask : consecutor.SendAsync(4, CancellationToken.None).AsTask();
        Task<bool> stop = consecutor.StopAsync(TimeSpan.FromSeconds(10));
        clock.Advance(TimeSpan.FromSeconds(10));
        bool isQuiet = await stop.WaitAsync(Patience, Cancellation);
        Assert.Equal(!isDeaf, isQuiet);
        Assert.Equal(ConsecutorStatus.Stopped, consecutor.Snapshot().Status);
        var late = await Assert.ThrowsAsync<TimeoutException>(() => consecutor.Completion);
        Assert.Contains("work was to stop within 10 s", late.Message);
        Assert.Contains("the partitions 0 and 1 were not given back", late.Message);
        if (isDeaf) Assert.Contains("that does not heed its CancellationToken still runs", late.Message);
        bool blamesStore = late.Message.Contains("the store did not answer", StringComparison.Ordinal);
        Assert.True(!isDeaf == blamesStore, late.Message);           // it may be the code alone
        Assert.Contains(warnings, text => text.Contains("was to stop within"));
        if (!isDeaf) await Assert.ThrowsAsync<InvalidOperationException>(() => sending.WaitAsync(Patience, Cancellation));
        await consecutor.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);

        // The calls that hung are carried out late, and do no harm.
        store.Thaw();
        goOn.SetResult();
        await using var next = new Consecutor<int>("work", source => source.ForEach(_ => { }), Options(inner));
        await next.StartAsync(Cancellation);
        await next.SendAsync(5, Cancellation);
        ConsecutorSnapshot books = await next.WaitForIdleAsync(Cancellation).WaitAsync(Patience, Cancellation);
        Assert.Equal(books.Accepted, books.Completed);
        Assert.InRange(books.Accepted, 4, isDeaf ? 4 : 5);          // the item that was sent to the hanging store may arrive late
        Assert.Equal(0, books.Unaccounted);
    }

    [Theory]
    [InlineData(10, 60)]
    [InlineData(60, 10)]
    public async Task TheEarliestDeadlineOfAStopCounts(int first, int second)
    {
        await using var store = new MemoryStreamStore(clock);
        using SemaphoreSlim begun = new(0);
        await using var consecutor = new Consecutor<int>("work", source => source.ForEachAsync(async (_, _, cancellation) =>
        {
            begun.Release();
            await Task.Delay(Timeout.Infinite, cancellation);
        }), Options(store));
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await begun.WaitAsync(Cancellation);
        Task<bool>[] stops = [consecutor.StopAsync(TimeSpan.FromSeconds(first)), consecutor.StopAsync(TimeSpan.FromSeconds(second))];
        clock.Advance(TimeSpan.FromSeconds(9));      // the tenth second is for releasing partitions
        Assert.False(await stops[0].WaitAsync(Patience, Cancellation));
        await stops[1].WaitAsync(Patience, Cancellation);
        await consecutor.Completion;
        Assert.All((await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions, partition => Assert.Null(partition.Owner));
    }

    [Fact]
    public async Task DisposeWaitsForAHangingStoreForOneLeaseDuration()
    {
        await using var inner = new MemoryStreamStore(clock);
        var store = new FrozenStore(inner);
        List<string> warnings = [];
        var consecutor = new Consecutor<int>("work", source => source.ForEach(_ => { }), Options(store) with { OnWarning = warnings.Add });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.Freeze();
        Task disposing = consecutor.DisposeAsync().AsTask();
        await store.Stuck.WaitAsync(Patience, Cancellation);          // the consecutor gives its partitions back
        while (!disposing.IsCompleted)               // the last lease, perhaps, and the release
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await disposing;
        Assert.Contains(warnings, text => text.Contains("was to stop within 30 s"));
        store.Thaw();
    }

    /// <summary>Otherwise its file stays locked, and the next consecutor of the process cannot start.</summary>
    [Fact]
    public async Task AStopEndsItsSinksAlthoughTheStoreHangsWhileItAcquiresAPartition()
    {
        await using var inner = new MemoryStreamStore(clock);
        var store = new FrozenStore(inner);
        var sink = new Locking();
        await using var consecutor = new Consecutor<int>("work",
            source => source | (Sink.Commit(() => sink) | Stage.Named("file")), Options(store) with { OnWarning = static _ => { } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.FreezesAtCall = nameof(IStreamStore.AcquireAsync);
        AcquireResult stolen = await inner.AcquireAsync(Member.Group, 1, new("thief"), Cancellation);
        await inner.ReleaseAsync(stolen.Ownership, Cancellation);
        while (!await store.Stuck.WaitAsync(0, Cancellation))
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Task<bool> stop = consecutor.StopAsync(TimeSpan.FromSeconds(10));
        clock.Advance(TimeSpan.FromSeconds(9.8));
        await sink.Ended.Task.WaitAsync(Patience, Cancellation);
        Assert.False(stop.IsCompleted);              // it waits for the store
        clock.Advance(TimeSpan.FromSeconds(0.2));
        await stop.WaitAsync(Patience, Cancellation);
        store.Thaw();
    }

    private sealed class Locking : TransactionalSink<int>
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation) => default;

        protected override ValueTask EndAsync()
        {
            Ended.TrySetResult();
            return default;
        }
    }

    [Fact]
    public async Task AStartCanBeCancelledWhereverTheStoreHangs()
    {
        int calls = int.MaxValue;
        for (int at = 0; at < calls; at++)
        {
            await using var inner = new MemoryStreamStore(clock);
            var store = new FrozenStore(inner) { FreezesAt = at };
            var consecutor = new Consecutor<int>("work", source => source.ForEach(_ => { }),
                Options(store) with { LeaseDuration = TimeSpan.FromSeconds(1), OnWarning = _ => { } });
            using var patience = new CancellationTokenSource();
            Task start = consecutor.StartAsync(patience.Token);
            if (await Task.WhenAny(start, store.Stuck.WaitAsync(Cancellation)).WaitAsync(Patience, Cancellation) == start)
            {
                await start;
                (calls, store.FreezesAt) = (0, int.MaxValue);          // it starts without this call
                store.Thaw();
            }
            else
            {
                Assert.False(start.IsCompleted);
                await patience.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start.WaitAsync(Patience, Cancellation));
            }
            Task disposing = consecutor.DisposeAsync().AsTask();
            while (!disposing.IsCompleted)
            {
                clock.Advance(TimeSpan.FromMilliseconds(500));
                await Task.Yield();
            }
            await disposing;
            store.Thaw();
        }
        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task EachCallCanBeCancelledWhileTheStoreHangs()
    {
        await using var inner = new MemoryStreamStore(clock);
        var store = new FrozenStore(inner);
        var consecutor = new Consecutor<int>("work", source => source.ForEach(_ => { }), Options(store) with { OnWarning = _ => { } });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.Freeze();
        Func<CancellationToken, Task>[] calls =
        [
            cancellation => consecutor.SendAsync(2, cancellation).AsTask(),
            cancellation => consecutor.SendAllAsync([3, 4], cancellation).AsTask(),
            cancellation => consecutor.TrySendAsync(5, new() { IdempotencyKey = "five" }, cancellation),
            cancellation => consecutor.TrySendAsync(6, null, cancellation),
            cancellation => consecutor.WaitForIdleAsync(cancellation),
            cancellation => consecutor.CompleteAsync(cancellation),
            cancellation => consecutor.OpenBatchAsync("batch", cancellation),
            cancellation => consecutor.RedriveAsync(_ => true, cancellation),
            cancellation => consecutor.DeleteDeadLettersAsync(_ => true, cancellation),
        ];
        foreach (Func<CancellationToken, Task> call in calls)
        {
            using var patience = new CancellationTokenSource();
            Task asked = call(patience.Token);
            Assert.False(asked.IsCompleted);
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked.WaitAsync(Patience, Cancellation));
        }
        Task<bool> stop = consecutor.StopAsync(TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromSeconds(1));
        await stop.WaitAsync(Patience, Cancellation);
        store.Thaw();
    }

    private ConsecutorOptions Options(IStreamStore store) => new()
    {
        Store = store,
        Stream = new() { Partitions = 2 },
        LeaseDuration = TimeSpan.FromSeconds(30),
        Run = new() { Time = clock, StopTimeout = TimeSpan.FromSeconds(1) },
        Process = new(),
    };
}
