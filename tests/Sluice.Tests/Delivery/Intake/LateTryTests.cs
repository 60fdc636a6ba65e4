using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A try of an append that the store gets late: its sender had no answer, and was told that the stream is full.</summary>
public class LateTryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly the late item was accepted under its number, and the next item passed for its repetition.</remarks>
    [Fact]
    public async Task AnItemThatWasRefusedIsNotAcceptedLateAndTheNextOneIsAccepted()
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        await using var store = new LosingStore(inner);
        var done = new ConcurrentQueue<int>();
        await using Consecutor<int> orders = await FullAsync(store, clock, done.Enqueue);
        Task<SendResult> refused = orders.TrySendAsync(1, new() { Timeout = TimeSpan.Zero }, Cancellation);
        Assert.Equal(SendStatus.Full, (await EndAsync(refused, clock)).Status);

        await orders.StartAsync(Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        using var entry = new EntryBatch();
        entry.Add("1"u8);
        Assert.Equal(AppendStatus.Refused, (await inner.AppendAsync(store.Lost! with { Entries = entry }, Cancellation)).Status);
        Assert.Equal(SendStatus.Accepted, (await orders.TrySendAsync(2, cancellation: Cancellation)).Status);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal([0, 2], done);
    }

    [Fact]
    public async Task UnderAKeyItIsNotKnownWhetherAnItemIsAcceptedLate()
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        await using var store = new LosingStore(inner);
        await using Consecutor<int> orders = await FullAsync(store, clock, static _ => { });
        Task<SendResult> unknown = orders.TrySendAsync(1, new() { Timeout = TimeSpan.Zero, IdempotencyKey = "order-1" }, Cancellation);
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => EndAsync(unknown, clock));
        Assert.Contains("whether the items were accepted is not known", failure.Message, StringComparison.Ordinal);
    }

    /// <remarks>Regression: the numbers that another process had accepted since under the same member's name passed for this
    /// item's.</remarks>
    [Fact]
    public async Task WhereAnotherProcessHasOpenedTheNameMeanwhileItIsNotKnown()
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        await using var store = new LosingStore(inner);
        await using Consecutor<int> orders = await FullAsync(store, clock, static _ => { });
        Task<SendResult> unknown = orders.TrySendAsync(1, new() { Timeout = TimeSpan.Zero }, Cancellation);
        store.BeforeNextOpening = async producer =>
        {
            long epoch = (await inner.OpenProducerAsync("orders", producer, Cancellation)).Epoch;
            using var none = new EntryBatch();
            await inner.AppendAsync(new("orders", producer, epoch, 1, none) { Position = "B"u8.ToArray() }, Cancellation);
        };
        var failure = await Assert.ThrowsAsync<StreamStoreException>(() => EndAsync(unknown, clock));
        Assert.Contains("whether the items were accepted is not known", failure.Message, StringComparison.Ordinal);
        await orders.StartAsync(Cancellation);
        ConsecutorSnapshot end = await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal((1L, 1L), (end.Accepted, end.Completed));
        Assert.Equal(SendStatus.Accepted, (await orders.TrySendAsync(2, cancellation: Cancellation)).Status);
    }

    private static async Task<Consecutor<int>> FullAsync(LosingStore store, TestClock clock, Action<int> handler)
    {
        var orders = new Consecutor<int>("orders", source => source | handler,
            Member.Options("me", store, clock) with { Stream = new() { Partitions = 1, MaxItems = 1 } });
        await orders.SendAsync(0, Cancellation);
        store.LosesNext = true;
        return orders;
    }

    // The first try has no answer, and the next one comes after a pause.
    private static async Task<SendResult> EndAsync(Task<SendResult> send, TestClock clock)
    {
        var rounds = new Rounds(1_000);              // the store forgets a sender after a month
        while (!send.IsCompleted)
        {
            Assert.True(await rounds.GoOnAsync(), "The send does not end.");
            clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        return await send;
    }

    private sealed class LosingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public bool LosesNext { get; set; }

        public AppendRequest? Lost { get; private set; }

        public Func<string, Task>? BeforeNextOpening { get; set; }

        public override async ValueTask<ProducerState> OpenProducerAsync(string stream, string producer,
            CancellationToken cancellation = default)
        {
            if (Lost is not null && BeforeNextOpening is { } before)
            {
                BeforeNextOpening = null;
                await before(producer);
            }
            return await base.OpenProducerAsync(stream, producer, cancellation);
        }

        public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            if (!LosesNext) return base.AppendAsync(request, cancellation);
            (LosesNext, Lost) = (false, request);
            throw new StreamStoreException("There is no answer, as the test wants.");
        }
    }
}
