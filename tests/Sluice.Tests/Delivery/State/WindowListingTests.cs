using System.Buffers;
using System.Buffers.Binary;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>The windows that a consecutor keeps are listed from the store alone.</summary>
public class WindowListingTests
{
    private static readonly DateTimeOffset Day = new(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WindowsHaveTheirTimesAndTheNumberOfTheirItems()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var orders = new Consecutor<int>("orders", static source => source
            | [
                static s => s.Window(new EventTime<int>(static n => Day.AddMinutes(n)) { AllowedLateness = TimeSpan.FromHours(1) },
                    TimeSpan.FromHours(1)) | Stage.Named("by event") | (static _ => { }),
                static s => s.Window(TimeSpan.FromHours(1)) | Stage.Named("by arrival") | (static _ => { }),
                static s => s.Scan(0, static (sum, n) => sum + n) | Stage.Named("sum") | (static _ => { }),
            ], new() { Store = store, Run = new() { Time = clock }, Stream = new() { Partitions = 1 } });
        await orders.StartAsync(Cancellation);
        await orders.SendAllAsync([.. Enumerable.Range(0, 50), 61, 125], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        DateTimeOffset hour = new(clock.GetUtcNow().UtcTicks / TimeSpan.TicksPerHour * TimeSpan.TicksPerHour, TimeSpan.Zero);

        Assert.Equal(["by arrival", "by event"], (await store.ListStateAsync("orders", Cancellation))
            .Where(static one => one.HasWindows).Select(static one => one.Node));
        Assert.Equal([new(0, hour, hour.AddHours(1), 52)], await ListAsync(store, "by arrival"));
        Assert.Equal(
        [
            // The watermark is at 2:05: the first two hours have come out, and the second one may still take items.
            new(0, Day.AddHours(1), Day.AddHours(2), 0) { Panes = 1 },
            new(0, Day.AddHours(2), Day.AddHours(3), 1) { Panes = 0 },
        ], await ListAsync(store, "by event"));
        Assert.Empty(await ListAsync(store, "sum"));
        Assert.Equal("In the stored state of the consecutor orders, there is no node \"by arival\". Near it: by arrival.",
            (await Assert.ThrowsAsync<StreamStoreException>(() => ListAsync(store, "by arival"))).Message);
        Assert.Equal("The store has no consecutor \"order\". Near it: orders.",
            (await Assert.ThrowsAsync<StreamStoreException>(() => store.ListStateAsync("order", Cancellation))).Message);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ListAsync(store, "by event", partition: 1));
        Assert.Equal(2, (await ListAsync(store, "by event", partition: 0)).Count);
    }

    [Fact]
    public async Task TheItemsOfAllPagesOfAWindowAreCounted()
    {
        await using var store = new MemoryStreamStore();
        await using var orders = new Consecutor<string>("orders", static source => source
            .Window(new EventTime<string>(static text => Day.AddHours(text.Length)), TimeSpan.FromHours(1))
            | Stage.Named("windows") | (static _ => { }), new() { Store = store, Stream = new() { Partitions = 1 } });
        await orders.StartAsync(Cancellation);
        await orders.SendAllAsync([.. Enumerable.Repeat(new string('y', 200), 5000)], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        List<KeptWindow> found = await ListAsync(store, "windows");
        Assert.Equal(5000, Assert.Single(found).Items);
    }

    /// <summary>A commit deletes a part of the rows of a long list; the others hold no items any more.</summary>
    [Fact]
    public async Task ItemsThatHaveComeOutAreNotCounted()
    {
        const int Items = 300;
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await using var orders = new Consecutor<string>("orders", static source => source
            .Window(TimeSpan.FromDays(1), Items) | Stage.Named("windows") | (static _ => { }),
            new() { Store = store, Stream = new() { Partitions = 1 }, Run = new() { Time = clock } });
        await orders.StartAsync(Cancellation);
        string item = new('x', 33_000);              // a page of its own
        for (int n = 0; n < Items; n++)
        {
            await orders.SendAsync(item, Cancellation);
            await orders.WaitForIdleAsync(Cancellation);
        }
        Assert.InRange((await store.ListStateAsync(new("orders", "orders"), 0, "windows", null, 1_000, Cancellation)).Count, 10, Items);
        Assert.Equal(0, Assert.Single(await ListAsync(store, "windows")).Items);
    }

    [Fact]
    public async Task TimesThatASerializerOfTheProgramHasWrittenAreUnknownAndItemsAreCountedAnyway()
    {
        await using var store = new MemoryStreamStore();
        await using var orders = new Consecutor<int>("orders", static source => source.Window(TimeSpan.FromDays(1))
            | Stage.Named("windows") | (static _ => { }), new()
            {
                Store = store,
                Serializers = PayloadSerializers.Json.With(new BinaryNumbers()),
                Stream = new() { Partitions = 1 }
            });
        await orders.StartAsync(Cancellation);
        await orders.SendAllAsync([1, 2, 3], Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal([new(0, null, null, 3)], await ListAsync(store, "windows"));
    }

    private static async Task<List<KeptWindow>> ListAsync(IStreamStore store, string node, int? partition = null)
        => await store.ListWindowsAsync("orders", node, partition, Cancellation).ToListAsync(Cancellation);

    private sealed class BinaryNumbers : IPayloadSerializer<long>
    {
        public void Serialize(long value, IBufferWriter<byte> to)
        {
            BinaryPrimitives.WriteInt64BigEndian(to.GetSpan(8), value);
            to.Advance(8);
        }

        public long Deserialize(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadInt64BigEndian(payload);
    }
}
