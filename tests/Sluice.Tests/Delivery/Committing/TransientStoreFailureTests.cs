using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The store fails one call, or three in a row, and recovers: no item is lost or processed twice, and the counts are right at the
/// end.</summary>
public class TransientStoreFailureTests
{
    private const int Items = 10;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Of ten items, some fail at their first attempt, and some become dead letters in one of their parts and are redriven. So
    /// rows of every kind wait in the store when a partition is given up and acquired again.</remarks>
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 3)]
    [InlineData(true, 3)]
    public async Task FailedStoreCallsNeitherLoseNorRepeatAnItem(bool isDone, int inARow)
    {
        Moment moment = isDone ? Moment.After : Moment.Before;
        int calls = await RunAsync(int.MaxValue - inARow, inARow, moment);
        Assert.True(calls > 15, $"{calls} calls");
        for (int at = 1; at <= calls; at++) await RunAsync(at, inARow, moment);
    }

    private static async Task<int> RunAsync(int failAt, int inARow, Moment moment)
    {
        TestClock clock = new();
        await using var inner = new MemoryStreamStore(clock);
        var store = new HiccupingStore(inner, failAt, inARow, moment);
        var ledger = new Ledger();
        var seen = new ConcurrentDictionary<int, bool>();
        bool isMended = false;
        await using (var consecutor = new Consecutor<int>("work",
            source => source | Halves | Stage.Named("halves") | Check | Stage.Named("check") | ledger.Sink<int>(), new()
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
                Run = new() { Time = clock },
                Stream = new() { Partitions = 2 },
                Process = new(),
            }))
        {
            await consecutor.StartAsync(Cancellation);
            store.IsHealthy = false;
            await PassAsync(consecutor.SendAllAsync([.. Enumerable.Range(0, Items)], Cancellation).AsTask());
            Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
            await PassAsync(idle, consecutor);
            Assert.Equal((Items, 0L, 0L), ((await idle).Completed + (await idle).Dead, (await idle).Unaccounted, (await idle).Split));
            Volatile.Write(ref isMended, true);
            for (bool again = true; again;)
            {
                try
                {
                    await PassAsync(consecutor.RedriveAsync(_ => true, Cancellation));
                    again = false;
                }
                catch (StreamStoreException)
                {
                    // The redrive may have been done or not; a letter that was redriven is not redriven again.
                }
            }
            idle = consecutor.WaitForIdleAsync(Cancellation);
            await PassAsync(idle, consecutor);
            ConsecutorSnapshot end = await idle;
            Assert.True(end is { Accepted: Items, Completed: Items, Dead: 0, Retrying: 0, Pending: 0, Unaccounted: 0, IsIdle: true },
                $"failed call {failAt} {moment} ({store.Failed}): {end}");

        }
        Assert.Equal(Enumerable.Range(0, 2 * Items).Select(n => $"{n}").Order(StringComparer.Ordinal),
            ledger.Lines.Order(StringComparer.Ordinal));
        return store.Calls;

        IEnumerable<int> Halves(int n) => [2 * n, (2 * n) + 1];

        int Check(int half)
        {
            if (half % 8 == 3 && seen.TryAdd(half, true)) throw new FormatException("flaky");
            if (half % 8 == 5 && !Volatile.Read(ref isMended)) throw new FormatException("no good");
            return half;
        }

        async Task PassAsync(Task task, Consecutor<int>? consecutor = null)
        {
            var rounds = new Rounds(200_000);
            for (int i = 0; !task.IsCompleted; i++)
            {
                Assert.True(await rounds.GoOnAsync(),
                    $"failed call {failAt} {moment} ({store.Failed}): still at it: {consecutor?.Snapshot()}");
                if (i % 50 == 49) clock.Advance(TimeSpan.FromSeconds(1));
                await Member.NextAsync();
            }
            await task;
        }
    }

    private sealed class HiccupingStore(IStreamStore inner, int failAt, int inARow, Moment moment)
        : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int calls;

        public bool IsHealthy { get; set; } = true;

        public int Calls => Volatile.Read(ref calls);

        public string? Failed { get; private set; }

        protected override async ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
        {
            if (IsHealthy || name is nameof(WaitForChangeAsync) or nameof(WaitForEntriesAsync)
                || Interlocked.Increment(ref calls) is var number && (number < failAt || number >= failAt + inARow)) return await call();
            Failed += $" {name}";
            if (moment == Moment.After) await call();
            throw new StreamStoreException("The answer was lost.");
        }
    }
}
