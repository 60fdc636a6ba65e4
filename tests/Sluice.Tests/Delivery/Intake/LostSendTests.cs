using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The store has accepted an item, and its answer was lost: the sender does not know, and the ledger has not counted it.</summary>
public class LostSendTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public async Task WaitForIdleWaitsForAnItemWhoseAcceptanceTheSenderDoesNotKnow(int lost)
    {
        var clock = new TestClock();
        await using var store = new LossyStore(new MemoryStreamStore(clock)) { Lost = lost };
        await using var work = new Consecutor<int>("work", static source => source | (static _ => { }), Member.Options("me", store, clock));
        await work.StartAsync(Cancellation);
        store.HoldsLeases = true;
        Task<SendResult> sending = work.TrySendAsync(1, new() { IdempotencyKey = "key" }, Cancellation);
        // While the thread of the next try stands still, the time for which the store knows the key must not pass.
        var rounds = new Rounds(1_000);
        while (!sending.IsCompleted)
        {
            Assert.True(await rounds.GoOnAsync(), "The send does not end.");
            clock.Advance(TimeSpan.FromSeconds(0.1));
            await Member.NextAsync();
        }
        if (lost == int.MaxValue) await Assert.ThrowsAsync<StreamStoreException>(() => sending);
        else Assert.Equal(SendStatus.Repeated, (await sending).Status);

        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        for (int i = 0; i < 2_000; i++) await Member.NextAsync();
        Assert.False(idle.IsCompleted, "It did not wait for the item.");
        store.Release();
        Assert.Equal((1L, 1L), ((await idle).Accepted, (await idle).Completed));
    }

    private sealed class LossyStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int lost;

        /// <summary>How many answers to appends are lost.</summary>
        public int Lost { get; init; }

        public bool HoldsLeases { get; set; }

        public void Release() => released.SetResult();

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            AppendResult result = await base.AppendAsync(request, cancellation);
            return lost++ < Lost ? throw new StreamStoreException("The answer was lost.") : result;
        }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            // Looked at behind the call: a lease that was under way before may give out the item, too.
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (HoldsLeases) await released.Task.WaitAsync(cancellation);
            return lease;
        }
    }
}
