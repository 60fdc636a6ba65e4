using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A large append to a full stream beside small ones, which take each place that gets free.</summary>
public class DividedAppendTests
{
    private const int Items = 10;

    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly it was tried as a whole, for ever.</remarks>
    [Theory]
    [InlineData(How.Many)]
    [InlineData(How.Batch)]
    [InlineData(How.Producer)]
    public async Task ItIsAcceptedInParts(How how)
    {
        await using var inner = new MemoryStreamStore(clock);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = int.MaxValue })) await SendAsync(sending, how);
        Assert.Equal(Enumerable.Range(0, Items), await ReadAsync(inner));
    }

    [Fact]
    public async Task ACancelledSendSaysHowManyItemsAreAccepted()
    {
        await using var inner = new MemoryStreamStore(clock);
        var store = new NarrowStore(inner) { Left = 3 };
        await using (Consecutor<int> sending = Make(store))
        {
            using var giveUp = new CancellationTokenSource();
            Task send = sending.SendAllAsync([.. Enumerable.Range(0, Items)], giveUp.Token).AsTask();
            await Member.UntilAsync(() => store.Left == 0);
            await Member.UntilAsync(() => sending.Snapshot().Accepted == 3);
            await giveUp.CancelAsync();
            var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => send);
            Assert.StartsWith("The first 3 items that were sent to work are accepted", cancelled.Message, StringComparison.Ordinal);
        }
        Assert.Equal(Enumerable.Range(0, 3), await ReadAsync(inner));
    }

    /// <remarks>Each part has the position of its own last item, also in the middle of what the source has produced at once.</remarks>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task AProducerResumesBehindThePartThatWasAccepted(int accepted)
    {
        await using var inner = new MemoryStreamStore(clock);
        await using (Consecutor<int> sending = Make(new NarrowStore(inner) { Left = accepted, FailsThen = true }))
            await Assert.ThrowsAnyAsync<Exception>(() => SendAsync(sending, How.Producer));
        await using (Consecutor<int> sending = Make(inner)) await SendAsync(sending, How.Producer);
        Assert.Equal(Enumerable.Range(0, Items), await ReadAsync(inner));
    }

    private async Task SendAsync(Consecutor<int> sending, How how)
    {
        switch (how)
        {
            case How.Many:
                await sending.SendAllAsync([.. Enumerable.Range(0, Items)], CancellationToken.None);
                break;
            case How.Batch:
                await (await sending.OpenBatchAsync("batch", Cancellation)).SendAllAsync(Enumerable.Range(0, Items), Cancellation);
                break;
            default:
                await using (PipelineRun run = (Source.Resumable("pairs", Enumerable.Range(0, Items / 2))
                    .SelectMany(static pair => new[] { 2 * pair, (2 * pair) + 1 }) | sending)
                    .Start(new RunOptions { Time = clock }, cancellation: Cancellation))
                {
                    while (!run.Completion.IsCompleted)
                    {
                        clock.Advance(TimeSpan.FromSeconds(1));
                        await Member.NextAsync();
                    }
                    await run.Completion;
                }
                break;
        }
    }

    private Consecutor<int> Make(IStreamStore store, Action<int>? handler = null)
        => new("work", source => source | (handler ?? (static _ => { })),
            Member.Options("me", store, clock) with { Stream = new() { Partitions = 1 } });

    private async Task<int[]> ReadAsync(IStreamStore store)
    {
        var done = new ConcurrentQueue<int>();
        await using Consecutor<int> reading = Make(store, done.Enqueue);
        await reading.StartAsync(Cancellation);
        await reading.WaitForIdleAsync(Cancellation);
        return [.. done];
    }

    public enum How
    {
        Many,
        Batch,
        Producer,
    }

    /// <summary>A store whose stream has room for one item whenever it is asked: others take the rest.</summary>
    private sealed class NarrowStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private bool isFirst = true;
        private volatile int left;

        /// <summary>The number of items that find room.</summary>
        public int Left { get => left; init => left = value; }

        public bool FailsThen { get; init; }

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            if (request.Entries.Count == 0) return await base.AppendAsync(request, cancellation);
            for (int i = 0; i < 1_000 && isFirst; i++) await Task.Yield();           // the next append shall have many items
            isFirst = false;
            if (left == 0 && FailsThen) throw new StreamStoreException("The process dies, as the test wants.");
            if (left == 0 || request.Entries.Count > 1) return new(AppendStatus.Full, request.Sequence - 1, null);
            left--;
            return await base.AppendAsync(request, cancellation);
        }

        public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
            => base.WaitForChangeAsync(stream, left > 0 ? -1 : after, cancellation);
    }
}
