using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An append without an answer, whose repetition comes when the store may have forgotten it.</summary>
public sealed class LateRepetitionTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(10, false)]
    public async Task ItemsAreNotAcceptedTwice(int minutes, bool isRepeated)
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new AnswerlessStore(memory, () => clock.Advance(TimeSpan.FromMinutes(minutes)));
        await using Consecutor<int> orders = SenderRows.New(store, clock, "orders");
        Task<SendResult> sending = orders.TrySendAllAsync([1, 2], cancellation: Cancellation);
        while (!sending.IsCompleted)                 // between its tries it waits for a moment
        {
            if (clock.NextDue is { } due && due - clock.GetUtcNow() < TimeSpan.FromSeconds(1)) clock.SetUtcNow(due);
            await Task.Yield();
        }
        if (isRepeated) Assert.Equal(SendStatus.Repeated, (await sending).Status);
        else await Assert.ThrowsAsync<StreamStoreException>(() => sending);
        Assert.Equal(2, (await memory.FindStreamAsync("orders", Cancellation))!.Appended);
    }

    /// <summary>Executes the first append, and answers that it does not know.</summary>
    private sealed class AnswerlessStore(IStreamStore inner, Action after) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private bool hasFailed;

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            AppendResult result = await base.AppendAsync(request, cancellation);
            if (hasFailed) return result;
            hasFailed = true;
            after();
            throw new StreamStoreException("The connection was lost.");
        }
    }
}
