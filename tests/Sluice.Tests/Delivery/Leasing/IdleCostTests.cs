using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>An idle consecutor calls the store for its heartbeats only.</summary>
public class IdleCostTests
{
    private const int Count = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnIdleConsecutorCostsSixHeartbeatsAMinute()
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        var store = new CountingStore(inner);
        List<Consecutor<int>> consecutors = [];
        for (int i = 0; i < Count; i++)
        {
            var consecutor = new Consecutor<int>($"work-{i}", source => source.ForEach(_ => { }),
                new() { Store = store, LeaseDuration = TimeSpan.FromSeconds(30), Run = new() { Time = clock }, Process = new() });
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAsync(i, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
            consecutors.Add(consecutor);
        }
        await Member.UntilAsync(() => store.Waiting == Count);
        (int before, int beaten) = (store.Calls, store.Beats);                // each has joined by a beat
        for (int second = 1; second <= 60; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            int beats = Count * (second / 10);
            await Member.UntilAsync(() => store.Beats - beaten >= beats);
        }
        Assert.Equal(6 * Count, store.Beats - beaten);
        // each heartbeat looks at the group; and each may just have looked for entries a last time
        Assert.InRange(store.Calls - before, 11 * Count, 13 * Count);
        foreach (Consecutor<int> consecutor in consecutors) await consecutor.DisposeAsync();
    }

    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int calls, beats, waiting;

        public int Calls => Volatile.Read(ref calls);

        public int Beats => Volatile.Read(ref beats);

        public int Waiting => Volatile.Read(ref waiting);

        public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
            => CountAsync(Inner.WaitForChangeAsync(stream, after, cancellation));

        public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
            CancellationToken cancellation = default)
            => CountAsync(Inner.WaitForEntriesAsync(stream, partitions, after, cancellation));

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            Interlocked.Increment(ref calls);
            T result = await call();
            if (name == nameof(HeartbeatAsync)) Interlocked.Increment(ref beats);
            return result;
        }

        private async ValueTask<long> CountAsync(ValueTask<long> change)
        {
            if (change.IsCompleted) return await change;
            Interlocked.Increment(ref waiting);
            try
            {
                return await change;
            }
            finally
            {
                Interlocked.Decrement(ref waiting);
            }
        }
    }
}
