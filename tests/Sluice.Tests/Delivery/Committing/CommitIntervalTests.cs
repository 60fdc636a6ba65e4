using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary><see cref="ConsecutorOptions.CommitInterval"/> makes commits larger, and holds nothing up that waits for a commit. The interval
/// is an hour, and the clock moves less.</summary>
public class CommitIntervalTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<int> seen = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EndedItemsShareACommitAtTheEndOfTheInterval()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new CommitCounter(memory);
        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 5; n++)
        {
            await consecutor.SendAsync(n, Cancellation);
            await UntilAsync(() => seen.Count == n + 1);
        }
        await clock.WaitForTimersAsync(2, Cancellation);                  // those of the heartbeat and of the interval
        Assert.Equal((0, 5L), (store.Commits, consecutor.Snapshot().InFlight));
        while (consecutor.Snapshot().InFlight > 0)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            await Member.NextAsync();
        }
        Assert.Equal((1, 5L), (store.Commits, consecutor.Snapshot().Completed));
    }

    [Theory]
    [InlineData(2, 1000)]
    [InlineData(1000, 2)]
    public async Task AFullConsecutorAndAFullStreamDoNotWait(int maxInFlight, int maxItems)
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New(store, options => options with
        {
            MaxInFlight = maxInFlight,
            Stream = new() { Partitions = 1, MaxItems = maxItems }
        });
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 10; n++) await consecutor.SendAsync(n, Cancellation).AsTask().WaitAsync(Patience, Cancellation);
        await UntilAsync(() => seen.Count == 10);
    }

    [Fact]
    public async Task WaitForIdleDoesNotWaitForTheInterval()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await clock.WaitForTimersAsync(2, Cancellation);
        Assert.Equal(1, (await consecutor.WaitForIdleAsync(Cancellation).WaitAsync(Patience, Cancellation)).Completed);
    }

    [Fact]
    public async Task ItemsThatAreSettledBeforeTheyStartDoNotWaitForTheInterval()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New(store, options => options with
        {
            Delivery = DeliveryGuarantee.None,
            Stream = new() { Partitions = 4 }
        });
        for (int n = 0; n < 10; n++) await consecutor.SendAsync(n, Cancellation);
        await consecutor.StartAsync(Cancellation);
        await UntilAsync(() => seen.Count == 10);
    }

    [Fact]
    public async Task AfterACrashEachSuspectIsCommittedAtOnce()
    {
        await using var store = new MemoryStreamStore(clock);
        var begun = new SemaphoreSlim(0);
        Consecutor<int> first = New(store, body: source => source.ForEachAsync(async (_, _, cancellation) =>
        {
            begun.Release();
            await Task.Delay(Timeout.Infinite, cancellation);
        }));
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([1, 2, 3], Cancellation);
        await begun.WaitAsync(Cancellation);
        await UntilAsync(() => first.Snapshot().InFlight == 3);
        await first.AbandonAsync();
        await using Consecutor<int> next = New(store);
        await next.StartAsync(Cancellation);
        var rounds = new Rounds(1_000);
        while (seen.IsEmpty)                         // until the lease of the first one is over
        {
            Assert.True(await rounds.GoOnAsync(), $"{next.Snapshot()}");
            clock.Advance(TimeSpan.FromMilliseconds(200));
            for (int i = 0; i < 20; i++) await Member.NextAsync();
        }
        await UntilAsync(() => seen.Count == 3);
        Assert.Equal([1, 2, 3], seen.Order());
    }

    [Fact]
    public async Task APausedConsecutorAndADrainedOneCommitAtOnce()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> consecutor = New(store);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await clock.WaitForTimersAsync(2, Cancellation);
        await consecutor.DrainAsync(Cancellation);
        await UntilAsync(() => consecutor.Snapshot() is { InFlight: 0, Completed: 1 });
    }

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static Task UntilAsync(Func<bool> isReached) => Member.UntilAsync(isReached).WaitAsync(Patience, Cancellation);

    private Consecutor<int> New(IStreamStore store, Func<ConsecutorOptions, ConsecutorOptions>? change = null,
        Func<Source<int>, Pipeline>? body = null)
    {
        ConsecutorOptions options = Member.Options("me", store, clock) with { CommitInterval = Interval };
        return new("work", body ?? (source => source | seen.Enqueue), change?.Invoke(options) ?? options);
    }

    /// <summary>Counts the commits that settle something.</summary>
    private sealed class CommitCounter(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int commits;

        public int Commits => Volatile.Read(ref commits);

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            if (commit.Settled.Count > 0) Interlocked.Increment(ref commits);
            return base.CommitAsync(commit, cancellation);
        }
    }
}
