using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Delivery;

/// <summary>A send may wait for room for days, and is woken by each change of the stream. What a wait leaves behind would add up.</summary>
[Collection(AloneTests.Name)]
public class RoomWaitMemoryTests
{
    private const int Waits = 8_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly each wait left some 200 bytes: a task that was registered at one that does not end.</remarks>
    [Fact]
    public async Task AWaitForRoomLeavesNothingBehind()
    {
        var clock = new TestClock();
        await using var store = new WakingStore(new MemoryStreamStore(clock));
        await using var work = new Consecutor<int>("work", source => source | (_ => { }),
            Member.Options("me", store, clock) with { Stream = new() { Partitions = 1, MaxItems = 1 } });
        await work.SendAsync(1, Cancellation);
        Task waiting = work.SendAsync(2, Cancellation).AsTask();
        long left = await store.Left.Task.WaitAsync(Cancellation);
        Assert.False(waiting.IsCompleted);
        Assert.InRange(left, long.MinValue, 50L * Waits);
        await work.StartAsync(Cancellation);
        await waiting.WaitAsync(Cancellation);
    }

    /// <summary>Ends each wait for a change at once, as if the stream had changed, and measures the memory before and after.</summary>
    private sealed class WakingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private int waits;
        private long before;

        public TaskCompletionSource<long> Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        {
            if (after < 0 || waits > 2 * Waits) return await base.WaitForChangeAsync(stream, after, cancellation);
            await Task.Yield();
            waits++;
            if (waits == Waits) before = GC.GetTotalMemory(forceFullCollection: true);
            else if (waits == 2 * Waits) Left.SetResult(GC.GetTotalMemory(forceFullCollection: true) - before);
            return after;
        }
    }
}
