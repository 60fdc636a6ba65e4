using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The store has damaged a row of state: its partition stands still, wherever the row is read, and no item pays for it.</summary>
public class DamagedStateTests
{
    private const int Keys = 10_050;                 // some more than are read when a partition is taken
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly the item was a dead letter, or gone, and with it all items of the key.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task ARowThatIsReadForAnItemStopsItsPartition(int retries)
    {
        await using var store = new DamagedStore(new MemoryStreamStore(clock));
        await using (Consecutor<int> before = Make(store, retries))
        {
            await before.StartAsync(Cancellation);
            await before.SendAllAsync([.. Enumerable.Range(0, Keys)], Cancellation);
            Assert.Equal(Keys, (await before.WaitForIdleAsync(Cancellation)).Completed);
        }
        store.IsDamaged = true;
        await using Consecutor<int> consecutor = Make(store, retries);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(9_999, Cancellation);         // the last one in the order of the keys
        ConsecutorSnapshot stopped = await StoppedAsync(consecutor);
        Assert.Equal((0L, 1L, 0L), (stopped.Dead, stopped.Pending, stopped.Unaccounted));
        store.IsDamaged = false;
        await IdleAsync(consecutor);
    }

    /// <remarks>Formerly the store was asked each second, and nothing said that the partition stands still.</remarks>
    [Fact]
    public async Task ARowThatIsReadAtTheEndStopsItsPartition()
    {
        await using var store = new DamagedStore(new MemoryStreamStore(clock));
        await using Consecutor<int> consecutor = Make(store, retries: 0);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.DamagesLists = true;
        await consecutor.CompleteAsync(Cancellation);
        await StoppedAsync(consecutor);
        store.DamagesLists = false;
        await IdleAsync(consecutor);
    }

    /// <summary>Timers that were set again for now, and have left the memory, are read one by one.</summary>
    /// <remarks>Formerly the whole consecutor failed.</remarks>
    [Fact]
    public async Task ARowOfTimersThatIsReadWhileTheyFireStopsItsPartition()
    {
        const int Many = 400;
        await using var store = new DamagedStore(new MemoryStreamStore(clock));
        await using Consecutor<int> consecutor = new("work",
            source => source | StageNode.Of(static () => new Twice()) | Stage.Named("twice") | (static _ => { }),
            Options(store, retries: 0) with { StateMemory = new(1) })
        { Key = static n => $"{n}" };
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, Many)], Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        store.DamagesTimers = true;
        await StoppedAsync(consecutor);
        store.DamagesTimers = false;
        while (await consecutor.ListStateAsync<int>("twice", Cancellation).CountAsync(static row => row.Value == 2, Cancellation) < Many)
        {
            Assert.False(consecutor.Completion.IsFaulted);
            await AdvanceAsync();
        }
    }

    private async Task<ConsecutorSnapshot> StoppedAsync(Consecutor<int> consecutor)
    {
        while (consecutor.Snapshot().Stopped.Count == 0)
        {
            Assert.Equal((0L, false), (consecutor.Snapshot().Dead, consecutor.Completion.IsFaulted));
            await AdvanceAsync();
        }
        ConsecutorSnapshot now = await Member.UntilAsync(consecutor, static now => now is { InFlight: 0, Stopped.Count: 1 });
        Assert.Contains("stands still, the others go on: The row is damaged.", Assert.Single(now.Stopped).Message,
            StringComparison.Ordinal);
        return now;
    }

    private async Task IdleAsync(Consecutor<int> consecutor)
    {
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted) await AdvanceAsync();
        ConsecutorSnapshot end = await idle;
        Assert.Equal((end.Accepted, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
    }

    private async Task AdvanceAsync()
    {
        clock.Advance(TimeSpan.FromSeconds(1));
        await Member.NextAsync();
    }

    // The function finds keys of texts, and the items of the consecutor are numbers: rows cannot be read ahead.
    private Consecutor<int> Make(IStreamStore store, int retries) => new("work",
        source => source | (static n => $"{n}") | Stage.KeyBy(static (string text) => text)
            | StageNode.Of(static () => new CountByKey<string>()) | Stage.Named("count") | (static _ => { }),
        Options(store, retries));

    private ConsecutorOptions Options(IStreamStore store, int retries) => new()
    {
        Store = store,
        InstanceId = "me",
        Stream = new() { Partitions = 1, MaxItems = 2 * Keys },
        Delivery = DeliveryGuarantee.Replay(retries, Backoff.None),
        Run = new() { Time = clock },
        Process = new()
    };

    private sealed class Twice : TimedStageNode<int, int, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            Timers.Set(TimeSpan.FromMinutes(1));
            return default;
        }

        protected override ValueTask OnTimerAsync(string timer, Output<int> output, CancellationToken cancellation)
        {
            if (++State < 2) Timers.Set(TimeSpan.Zero);
            return default;
        }
    }

    private sealed class DamagedStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private volatile bool isDamaged, damagesLists, damagesTimers;

        /// <summary>Whether rows that are read by their keys are damaged.</summary>
        public bool IsDamaged { get => isDamaged; set => isDamaged = value; }

        /// <summary>Whether pages of rows are damaged.</summary>
        public bool DamagesLists { get => damagesLists; set => damagesLists = value; }

        /// <summary>Whether rows of timers are damaged that are read one by one.</summary>
        public bool DamagesTimers { get => damagesTimers; set => damagesTimers = value; }

        public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
            => (IsDamaged && node == "count") || (DamagesTimers && keys.Count == 1 && node == "$timers/twice") ? throw Damage(partition)
            : base.ReadStateAsync(group, partition, node, keys, cancellation);

        public override ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node, string? after = null,
            int max = 1000, CancellationToken cancellation = default)
            => DamagesLists && node == "count" && max < 1000 ? throw Damage(partition)         // at the start, pages are of 1,000
            : base.ListStateAsync(group, partition, node, after, max, cancellation);

        private static StreamStoreException Damage(int partition)
            => new("The row is damaged.") { Stream = "work", Partition = partition, IsPermanent = true };
    }
}
