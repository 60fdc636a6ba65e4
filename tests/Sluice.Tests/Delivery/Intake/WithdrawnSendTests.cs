using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A send that is cancelled while the stream is full is not accepted later.</summary>
public class WithdrawnSendTests
{
    private const int Bound = 40;

    private readonly ConcurrentQueue<int> seen = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="how">How the items are sent.</param>
    /// <param name="isFirst">Whether the cancelled item is the one whose append waits for room; otherwise it waits behind that
    /// append.</param>
    [Theory]
    [InlineData(How.One, true)]
    [InlineData(How.One, false)]
    [InlineData(How.Try, true)]
    [InlineData(How.Try, false)]
    [InlineData(How.Many, true)]
    [InlineData(How.Many, false)]
    [InlineData(How.Batch, true)]
    [InlineData(How.Batch, false)]
    public async Task ASendThatIsCancelledWhileItWaitsForRoomIsNotAcceptedLater(How how, bool isFirst)
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> work = Make(store);
        await FillAsync(work);
        ConsecutorBatch<int> batch = await work.OpenBatchAsync("batch", Cancellation);
        using var giveUp = new CancellationTokenSource();
        Task stays = Task.CompletedTask;
        if (!isFirst) stays = await SendAsync(100, Cancellation);
        Task cancelled = await SendAsync(200, giveUp.Token);
        if (isFirst) stays = await SendAsync(100, Cancellation);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        await work.StartAsync(Cancellation);
        await stays;
        await work.WaitForIdleAsync(Cancellation);
        Assert.Equal([.. Enumerable.Range(0, Bound), 100], seen.Order());
        Assert.Equal(Bound + 1, work.Snapshot().Accepted);

        async Task<Task> SendAsync(int item, CancellationToken cancellation)
        {
            Task sending = how switch
            {
                How.One => work.SendAsync(item, cancellation).AsTask(),
                How.Try => work.TrySendAsync(item, new() { Timeout = TimeSpan.FromHours(1) }, cancellation),
                How.Many => work.SendAllAsync([item], cancellation).AsTask(),
                _ => batch.SendAsync(item, cancellation).AsTask(),
            };
            await Member.UntilAsync(() => work.Core.Sends.IsWaiting);
            return sending;
        }
    }

    [Fact]
    public async Task AWaitForRoomThatNobodyNeedsEnds()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> work = Make(store);
        await FillAsync(work);
        using var giveUp = new CancellationTokenSource();
        Task cancelled = work.SendAsync(200, giveUp.Token).AsTask();
        await Member.UntilAsync(() => work.Core.Sends.IsWaiting);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        await Member.UntilAsync(() => !work.Core.Sends.IsWaiting);
    }

    /// <remarks>Each change of a full stream left a timer behind, for what remained of the time limit.</remarks>
    [Fact]
    public async Task AWaitForRoomLeavesNoTimersBehind()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> work = Make(store, clock);
        await FillAsync(work);
        Task<SendResult> sending = work.TrySendAsync(1, new() { Timeout = TimeSpan.FromHours(1) }, Cancellation);
        await Member.UntilAsync(() => work.Core.Sends.IsWaiting);
        int before = clock.ArmedTimers;
        for (int i = 0; i < 50; i++)
        {
            await store.OpenReaderAsync("work", $"reader {i % 2}", cancellation: Cancellation);
            await store.CloseReaderAsync("work", $"reader {i % 2}", Cancellation);
            for (int j = 0; j < 20; j++) await Member.NextAsync();
        }
        Assert.InRange(clock.ArmedTimers, 0, before + 5);
        await work.StartAsync(Cancellation);
        Assert.Equal(SendStatus.Accepted, (await sending).Status);
    }

    /// <remarks>The message told to open another batch, and this one counted for ever.</remarks>
    [Fact]
    public async Task ABatchWhoseCloseWasCancelledSaysThatItIsToBeClosedAgain()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> work = Make(store);
        await FillAsync(work);
        ConsecutorBatch<int> batch = await work.OpenBatchAsync("batch", Cancellation);
        Task sending = batch.SendAsync(1, Cancellation).AsTask();
        await Member.UntilAsync(() => work.Core.Sends.IsWaiting);
        using var giveUp = new CancellationTokenSource();
        Task<bool> closing = batch.CloseAsync(giveUp.Token);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => closing);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => batch.SendAsync(2, Cancellation).AsTask());
        Assert.Contains("CloseAsync has begun, and has not ended: call it again", refused.Message, StringComparison.Ordinal);

        await work.StartAsync(Cancellation);
        await sending;
        Assert.True(await batch.CloseAsync(Cancellation));
        refused = await Assert.ThrowsAsync<InvalidOperationException>(() => batch.SendAsync(2, Cancellation).AsTask());
        Assert.Contains("was closed", refused.Message, StringComparison.Ordinal);
    }

    private Consecutor<int> Make(MemoryStreamStore store, TimeProvider? time = null)
        => new("work", source => source.ForEach(seen.Enqueue), new()
        {
            Store = store,
            Stream = new() { Partitions = 1, MaxItems = Bound },
            Run = new() { Time = time ?? new TestClock() },
        });

    private static async Task FillAsync(Consecutor<int> work) => await work.SendAllAsync([.. Enumerable.Range(0, Bound)], Cancellation);

    public enum How
    {
        One,
        Try,
        Many,
        Batch,
    }
}
