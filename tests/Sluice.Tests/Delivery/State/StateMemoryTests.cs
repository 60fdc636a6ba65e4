using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Keyed state that does not fit into its memory budget: evicted rows are read again, in one call, and the results do not
/// change.</summary>
public partial class StateMemoryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>One call of the store for each round and node, whatever the number of keys.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheStateOfALeasedBatchIsReadByOneCall(bool hasOwnKeys)
    {
        await using var store = new CountingStore(new MemoryStreamStore());
        var memory = new StateMemory(0);
        await using Consecutor<int> consecutor = Make(store, memory, hasOwnKeys);
        int[] items = [.. Enumerable.Range(0, 3_000)];
        await consecutor.SendAllAsync(items, Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(items, Cancellation);
        Assert.Equal((6_000L, 0L), await consecutor.WaitForIdleAsync(Cancellation) is var end ? (end.Completed, end.Dead) : default);
        Assert.InRange(store.Reads, 1, store.Commits);
        Assert.InRange(store.Commits, 1, 600);
        Assert.Equal(0, memory.Bytes);
        Dictionary<string, int> counts = new(await consecutor.ListStateAsync<int>("count", Cancellation).ToListAsync(Cancellation));
        Assert.Equal(3_000, counts.Count);
        Assert.All(counts.Values, static count => Assert.Equal(2, count));
    }

    /// <summary>The items of an open chunk are in memory and count: keyed rows are evicted for them, and one warning is given if they alone
    /// exceed the budget. A full chunk frees its memory.</summary>
    [Fact]
    public async Task AnOpenChunkCountsAgainstTheBudgetAndEvictsKeyedRows()
    {
        await using var store = new MemoryStreamStore();
        var memory = new StateMemory(400_000);
        List<string> warnings = [];
        await using (Consecutor<int> consecutor = Make())
        {
            await consecutor.StartAsync(Cancellation);
            await SendAsync(consecutor, 0, 1_000);
            Assert.InRange(memory.HeldBytes, 200_000, memory.MaxBytes);
            Assert.InRange(memory.Bytes, memory.HeldBytes, memory.MaxBytes);
            Assert.Empty(warnings);
            await SendAsync(consecutor, 1_000, 2_999);
            Assert.InRange(memory.HeldBytes, memory.MaxBytes + 1, 10 * memory.MaxBytes);
            Assert.Equal(memory.HeldBytes, memory.Bytes);
            Assert.Contains("more than the budget of 400,000", Assert.Single(warnings), StringComparison.Ordinal);
            await consecutor.StopAsync();
        }
        Assert.Equal(0, memory.Bytes);
        await using (Consecutor<int> next = Make())
        {
            await next.StartAsync(Cancellation);
            await SendAsync(next, 2_999, 3_000);
            Assert.Equal(0, memory.HeldBytes);
            await next.StopAsync();
        }
        Assert.Equal(0, memory.Bytes);

        Consecutor<int> Make() => new("work",
            source => (source | Sluice.StageNode.Of(() => new Count()) | Stage.Named("count") | (static n => $"{n:D100}")).Chunk(3_000)
                | Stage.Named("chunk") | (static _ => { }),
            new() { Store = store, Process = new(), StateMemory = memory, Stream = new() { Partitions = 1 }, OnWarning = warnings.Add })
        { Key = static n => $"{n}" };

        static async Task SendAsync(Consecutor<int> consecutor, int from, int to)
        {
            await consecutor.SendAllAsync([.. Enumerable.Range(from, to - from)], Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
    }

    /// <summary>A map in front of KeyBy changes the type of the item, so the consecutor guesses that the key is the one with which the item
    /// was accepted. If the guess is never right, the consecutor stops guessing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StateBehindAMapIsPrefetchedByTheAcceptedKey(bool isRight)
    {
        await using var store = new CountingStore(new MemoryStreamStore());
        await using var consecutor = new Consecutor<int>("work",
            source => source | (static n => (long)n) | Stage.KeyBy((long n) => isRight ? $"{n}" : $"other {n}", lanes: 1)
                | Sluice.StageNode.Of(() => new CountLong()) | Stage.Named("count") | (static _ => { }),
            new() { Store = store, Process = new(), StateMemory = new(0), Stream = new() { Partitions = 1 } })
        { Key = static n => $"{n}" };
        int[] items = [.. Enumerable.Range(0, 2_000)];
        await consecutor.StartAsync(Cancellation);
        for (int round = 0; round < 3; round++)
        {
            await consecutor.SendAllAsync(items, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        if (isRight) Assert.InRange(store.Reads, 1, store.Commits);
        else Assert.InRange(store.Reads, items.Length, (3 * items.Length) + (store.Commits / 2));
        Dictionary<string, int> counts = new(await consecutor.ListStateAsync<int>("count", Cancellation).ToListAsync(Cancellation));
        Assert.Equal(2_000, counts.Count);
        Assert.All(counts.Values, static count => Assert.Equal(3, count));
    }

    [Fact]
    public async Task ConsecutorsShareTheStateBudgetAndFreeItWhenTheyEnd()
    {
        await using var store = new MemoryStreamStore();
        var memory = new StateMemory(200_000);
        await using (Consecutor<int> one = Make(store, memory, name: "one"), two = Make(store, memory, name: "two"))
        {
            await one.StartAsync(Cancellation);
            await two.StartAsync(Cancellation);
            for (int round = 0; round < 3; round++)
            {
                foreach (Consecutor<int> consecutor in new[] { one, two })
                {
                    await consecutor.SendAllAsync([.. Enumerable.Range(0, 2_000)], Cancellation);
                    await consecutor.WaitForIdleAsync(Cancellation);
                    Assert.InRange(memory.Bytes, 1, memory.MaxBytes);
                }
            }
            foreach (Consecutor<int> consecutor in new[] { one, two })
                Assert.All(await consecutor.ListStateAsync<int>("count", Cancellation).ToListAsync(Cancellation),
                    static count => Assert.Equal(3, count.Value));
            await one.StopAsync();
        }
        Assert.Equal(0, memory.Bytes);
    }

    /// <summary>A failed item undoes its round, including rows that were just read. Whatever the budget, the result is that of a plain
    /// loop.</summary>
    [Fact]
    public async Task EvictionAndRollbackOfStateDoNotChangeTheResult()
    {
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            await using var store = new MemoryStreamStore();
            int[] items = [.. Enumerable.Range(0, random.Next(100, 600)).Select(_ => random.Next(200))];
            int bad = random.Next(200);
            var memory = new StateMemory(random.Next(4) * 5_000L);
            var options = new ConsecutorOptions
            {
                Store = store,
                Process = new(),
                StateMemory = memory,
                Delivery = Sluice.DeliveryGuarantee.Replay(50, Backoff.None),
                Stream = new() { Partitions = random.Next(1, 4) },
                MaxInFlight = random.Next(4, 200),
            };
            var luck = new Random(seed);
            await using var consecutor = new Consecutor<int>("work",
                source => source | Sluice.StageNode.Of(() => new Count()) | Stage.Named("count") | Fail,
                    options)
            { Key = static n => $"{n}" };
            await consecutor.StartAsync(Cancellation);
            await consecutor.SendAllAsync(items, Cancellation);
            ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
            Assert.Equal((items.Length, 0L, 0L), (end.Accepted, end.Dead, end.Unaccounted));
            Dictionary<string, int> counts = new(await consecutor.ListStateAsync<int>("count", Cancellation).ToListAsync(Cancellation));
            foreach (IGrouping<int, int> same in items.GroupBy(static item => item))
                Assert.True(counts.Remove($"{same.Key}", out int count) && count == same.Count(),
                    $"seed {seed}: {same.Key} was counted {count} times, not {same.Count()}.");
            Assert.Empty(counts);

            void Fail(int item)
            {
                if (item != bad) return;
                lock (luck)
                {
                    if (luck.Next(3) != 0) throw new TimeoutException("not now");
                }
            }
        }
    }

    /// <summary>The oldest rows of all partitions are evicted first, and none that a round uses.</summary>
    [Fact]
    public void TheLeastRecentlyUsedRowsAreEvictedFirst()
    {
        var memory = new StateMemory(20_000);
        StateCells<int>[] partitions = [.. Enumerable.Range(0, 4)
            .Select(_ => new StateCells<int>(new(0, "Count", static _ => 0, static _ => 0), memory))];
        foreach (StateCells<int> cells in partitions)
        {
            cells.ReadWith(static (_, _) => throw new InvalidOperationException("It is to be read from the store."));
            Use(cells, 0, 20);
        }
        Use(partitions[0], 0, 20);                   // the newest now
        partitions[1].Begin();                       // and this one is in use
        Use(partitions[3], 20, 40);
        Assert.InRange(memory.Bytes, 1, memory.MaxBytes);
        Assert.Equal(20, Kept(partitions[1], 0, 20));
        Assert.Equal(0, Kept(partitions[2], 0, 20));
        Assert.Equal(20, Kept(partitions[3], 20, 40));
        Assert.InRange(Kept(partitions[0], 0, 20), Kept(partitions[3], 0, 20), 20);
        foreach (StateCells<int> cells in partitions) cells.Retire();
        Assert.Equal(0, memory.Bytes);

        void Use(StateCells<int> cells, int from, int to)
        {
            cells.Begin();
            for (int n = from; n < to; n++) cells.Change(cells.Find($"{n}")!);
            cells.Save(new NoRows());
            memory.Trim();
        }

        static int Kept(StateCells<int> cells, int from, int to)
            => Enumerable.Range(from, to - from).Count(n => cells.Keys.Contains($"{n}"));
    }

    [Fact]
    public void AWrittenRowAllocatesLittleExtraMemory()
    {
        const int Count = 10_000;
        string[] keys = [.. Enumerable.Range(0, Count).Select(static n => $"account-{n}")];
        var rows = new List<StateRow>(2 * Count);
        new ChangedRows(PayloadSerializers.Json, 0, "count", rows, new()).Put(keys[0], 1);
        var changes = new ChangedRows(PayloadSerializers.Json, 0, "count", rows, new());
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (string key in keys) changes.Put(key, 1);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Count, 0, 90);
    }

    /// <summary>Each key that a store cannot tell from another one fails its item; all others are kept apart, on the way through the store
    /// as well.</summary>
    [Fact]
    public async Task SimilarKeysAreKeptApartAndUnstorableKeysAreRefused()
    {
        string[] good = ["", " ", "a", "A", "\u00e9", "e\u0301", "\u212b", "\u00c5", "😀", "\n", "a\u0001", "\ufffd", new('k', 10_000), "%",
            "'", "\"", "$end"];
        string[] bad = ["\ud800", "x\udc00", "a\0", "\udc00\ud800", new('k', 10_001)];
        await using var store = new MemoryStreamStore();
        string[] keys = [.. good, .. bad];
        await using var consecutor = new Consecutor<int>("work",
            source => source | Sluice.StageNode.Of(() => new Count()) | Stage.Named("count") | (_ => { }),
            new() { Store = store, Process = new(), StateMemory = new(0), Delivery = Sluice.DeliveryGuarantee.Track(100) })
        { Key = n => keys[n] };
        await consecutor.StartAsync(Cancellation);
        for (int round = 0; round < 2; round++) await consecutor.SendAllAsync([.. Enumerable.Range(0, keys.Length)], Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((2 * good.Length, 2 * bad.Length), ((int)end.Completed, (int)end.Dead));
        Dictionary<string, int> counts = new(await consecutor.ListStateAsync<int>("count", Cancellation).ToListAsync(Cancellation));
        Assert.Equal(good.Order(StringComparer.Ordinal), counts.Keys.Order(StringComparer.Ordinal));
        Assert.All(counts.Values, static count => Assert.Equal(2, count));
        List<DeadLetter> letters = await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Equal(6, letters.Count(static letter => letter.Error.Contains("half of a character", StringComparison.Ordinal)));
    }

    private static Consecutor<int> Make(IStreamStore store, StateMemory memory, bool hasOwnKeys = false, string name = "work")
    {
        var options = new ConsecutorOptions
        {
            Store = store,
            Process = new(),
            StateMemory = memory,
            Stream = new() { Partitions = hasOwnKeys ? 1 : 4 }
        };
        return hasOwnKeys
            ? new(name, source => source | Stage.KeyBy((int n) => $"{n}", lanes: 1) | Sluice.StageNode.Of(() => new Count())
            | Stage.Named("count") | (_ => { }), options)
            : new(name, source => source | Sluice.StageNode.Of(() => new Count()) | Stage.Named("count") | (_ => { }),
            options)
            { Key = static n => $"{n}" };
    }
}
