using System.Collections.Concurrent;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Delivery;

/// <summary>Under None an item is settled before it starts, and what does not start is not settled so.</summary>
public class AtMostOnceTests
{
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<int> started = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Its items would have been counted as completed, and never written.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASinkThatTakesPartInCommitsIsRefused(bool hasStore)
    {
        await using var store = new MemoryStreamStore(clock);
        ConsecutorOptions options = Options(store) with { Store = hasStore ? store : null };
        string message = Assert.Throws<InvalidTopologyException>(() => new Consecutor<int>("work",
            static source => source | Sink.ToFile<int>("never.txt", static n => $"{n}") | Stage.Named("rows"), options)).Message;
        Assert.StartsWith("'rows' of the consecutor work writes what the commits of its items hold, and DeliveryGuarantee.None settles",
            message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItemsOfAKeyStartOnceAndInOrder()
    {
        await using var store = new MemoryStreamStore(clock);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var dies = new Consecutor<int>("work", source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken cancellation) =>
        {
            started.Enqueue(n);
            if (n == 2) throw new FormatException("no good");
            if (n != 3) return;
            reached.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }), Options(store))
        { Key = static n => $"{n % 2}" };
        await dies.SendAllAsync(Enumerable.Range(0, 4), Cancellation);
        await dies.StartAsync(Cancellation);
        await reached.Task.WaitAsync(Cancellation);
        await dies.AbandonAsync();
        Assert.Equal([0, 1, 2, 3], started);

        await using var work = new Consecutor<int>("work", source => source | (started.Enqueue), Options(store))
        { Key = static n => $"{n % 2}" };
        await work.SendAsync(4, Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal([0, 1, 2, 3, 4], started);
        Assert.Equal((5L, 0L, 0L), (end.Accepted, end.Dead, end.Unaccounted));
    }

    [Fact]
    public async Task AnItemOfNewerCodeWaitsForThatCode()
    {
        await using var store = new MemoryStreamStore(clock);
        await SendAsync(store, 1, codeVersion: 1);
        await SendAsync(store, 2, codeVersion: 2);
        await SendAsync(store, 3, codeVersion: 1);
        await using (var old = new Consecutor<int>("work", source => source | (started.Enqueue), Options(store) with { CodeVersion = 1 }))
        {
            await old.StartAsync(Cancellation);
            ConsecutorSnapshot now = await Member.UntilAsync(old,
                snapshot => snapshot is { Pending: 0, InFlight: 0 } && started.Count == 2);
            Assert.Equal((2L, 1L, 0L), (now.Completed, now.Parked, now.Unaccounted));
        }
        await using var work = new Consecutor<int>("work", source => source | (started.Enqueue), Options(store) with { CodeVersion = 2 });
        await work.StartAsync(Cancellation);
        Assert.Equal(3, (await work.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal([1, 3, 2], started);
    }

    /// <remarks>An item that fails has started, and leaves nothing; the bytes of a damaged entry are all there is of it.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ADamagedEntryIsADeadLetterIfThePolicySaysSo(bool isNone)
    {
        await using var store = new DamagingStore(new MemoryStreamStore(clock)) { IsDamaged = static entry => entry.Sequence == 2 };
        await using var work = new Consecutor<int>("work", source => source.ForEach(n =>
        {
            started.Enqueue(n);
            if (n == 3) throw new FormatException("no good");
        }), Options(store) with
        {
            OnDamage = DamagePolicy.DeadLetter,
            Delivery = isNone ? DeliveryGuarantee.None : DeliveryGuarantee.Confirm
        });
        await work.SendAllAsync([1, 2, 3], Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal([1, 3], started);
        Assert.Equal((1L, 1L, 1L, 0L), (end.Completed, end.Dead, end.Cancelled, end.Unaccounted));
        Assert.Contains(DamagingStore.Message, Assert.Single(await store.ListDeadAsync(Member.Group, cancellation: Cancellation)).Error,
            StringComparison.Ordinal);
    }

    /// <remarks>The level was another one when the item ran: all of its outputs are sealed, and not published yet.</remarks>
    [Fact]
    public async Task ASealedItemIsPublished()
    {
        const int Many = 1_900;
        await using var store = new MemoryStreamStore(clock);
        var silent = new SilentStore(store);
        await using (var sealing = new Consecutor<int>("work",
            static source => source.SelectMany(static _ => Enumerable.Range(0, Many)) | Sink.Output<int>("parts"),
            Member.Options("me", silent, clock)))
        {
            sealing.Output<int>("parts").To(new Consecutor<int>("outs", static source => source | (static _ => { }),
                Member.Options("me", silent, clock)));
            await sealing.SendAsync(1, Cancellation);
            await sealing.StartAsync(Cancellation);
            await silent.Asked.Task.WaitAsync(Cancellation);
            await sealing.StopAsync(TimeSpan.Zero, Cancellation);
        }
        await using var work = new Consecutor<int>("work", source => source | (started.Enqueue), Options(store));
        await work.SendAsync(2, Cancellation);
        await work.StartAsync(Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((2L, null, 0L), (end.Completed, end.Loss, end.Unaccounted));
        Assert.Equal([2], started);
        Assert.Equal(Many, (await store.FindStreamAsync("outs", Cancellation))!.Appended);
    }

    /// <remarks>A counter with a listener weighs more in a commit than a range of entries.</remarks>
    [Fact]
    public async Task ManyBatchesWithOneItemEachAreSettledTogether()
    {
        const int Batches = 100;
        await using var store = new MemoryStreamStore(clock);
        var ended = new ConcurrentQueue<string>();
        await using var work = new Consecutor<int>("work", source => source | (started.Enqueue), Options(store) with
        {
            OnBatchCompleted = (end, _) =>
            {
                ended.Enqueue(end.Batch);
                return default;
            },
        });
        string[] names = [.. Enumerable.Range(0, Batches).Select(static n => $"b{n}")];
        foreach (string name in names)
        {
            ConsecutorBatch<int> batch = await work.OpenBatchAsync(name, Cancellation);
            await batch.SendAsync(1, Cancellation);
            await batch.CloseAsync(Cancellation);
        }
        await work.StartAsync(Cancellation);
        // Items are settled, and the consecutor may be idle, before they start.
        await Member.UntilAsync(() => (started.Count == Batches && ended.Count == Batches) || work.Snapshot().Stopped.Count > 0);
        Assert.Empty(work.Snapshot().Stopped);
        Assert.Equal(Batches, started.Count);
        Assert.Equal(names.Order(), ended.Order());
    }

    private ConsecutorOptions Options(IStreamStore store) => Member.Options("me", store, clock) with { Delivery = DeliveryGuarantee.None };

    private static async Task SendAsync(MemoryStreamStore store, int item, int codeVersion)
    {
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
        using var batch = new EntryBatch { CodeVersion = codeVersion };
        batch.Add([(byte)('0' + item)]);
        await store.AppendAsync(new("work", "sender", 0, item, batch), Cancellation);
    }

    /// <summary>Does not answer which pieces of a sealed item are there.</summary>
    private sealed class SilentStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
        {
            if (node != Spill.Node || keys.Count == 0) return base.ReadStateAsync(group, partition, node, keys, cancellation);
            Asked.TrySetResult();
            throw new StreamStoreException("The connection is cut.");
        }
    }
}
