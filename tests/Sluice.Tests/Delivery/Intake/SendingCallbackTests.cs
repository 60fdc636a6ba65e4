using System.Buffers;
using System.Collections;
using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>User code that runs while an item is sent: other senders do not wait for it, and it may send itself.</summary>
public class SendingCallbackTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Regression: it held the lock of all senders. A getter that waited for a lock of another sender stopped them for
    /// ever.</remarks>
    [Theory]
    [InlineData("serializer")]
    [InlineData("key")]
    [InlineData("list")]
    public async Task UserCodeThatWaitsForAnotherSenderIsNotWaitedFor(string where)
    {
        Consecutor<int> work = null!;
        bool isHeldUp = false, hasVisited = false;
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<int>();
        await using Consecutor<int> made = work = new Consecutor<int>("work", source => source | seen.Add, new()
        {
            Store = store,
            Serializers = PayloadSerializers.Json.With(new Hooked(n => Visit("serializer", n)))
        })
        {
            Key = n =>
            {
                Visit("key", n);
                return $"{n}";
            }
        };
        await work.StartAsync(Cancellation);
        await work.SendAsync(0, Cancellation);
        if (where == "list") await work.SendAllAsync(new HookedList([1, 3, 4], n => Visit("list", n)), Cancellation);
        else await work.SendAsync(1, Cancellation);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.False(isHeldUp);
        Assert.Equal(where == "list" ? [0, 1, 2, 3, 4] : [0, 1, 2], seen.Order());
        Assert.Equal((seen.Count, 0), (end.Completed, end.Dead));

        void Visit(string at, int n)
        {
            if (at == where && n == 1 && !Interlocked.Exchange(ref hasVisited, true))
                isHeldUp |= !Task.Run(() => work.SendAsync(2).AsTask()).Wait(TimeSpan.FromMinutes(1));
        }
    }

    /// <remarks>Regression: both were accepted, and their entries lay in each other.</remarks>
    [Fact]
    public async Task ASerializerMaySendToTheSameConsecutor()
    {
        Consecutor<int> work = null!;
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<int>();
        var inner = new ConcurrentBag<Task>();
        await using Consecutor<int> made = work = new Consecutor<int>("work", source => source | seen.Add, new()
        {
            Store = store,
            Serializers = PayloadSerializers.Json.With(new Hooked(n =>
            {
                if (n < 100) inner.Add(work.SendAsync(n + 100).AsTask());
            }))
        });
        await work.StartAsync(Cancellation);
        await work.SendAsync(0, Cancellation);
        await work.SendAsync(1, Cancellation);
        await work.SendAllAsync([2, 3, 4], Cancellation);
        await Task.WhenAll(inner);
        ConsecutorSnapshot end = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal([0, 1, 2, 3, 4, 100, 101, 102, 103, 104], seen.Order());
        Assert.Equal((10, 0), (end.Completed, end.Dead));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task ManySendersOfListsAndSingleItemsLoseNoneAndRepeatNone(int lists)
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<int>();
        await using var work = new Consecutor<int>("work", source => source | seen.Add,
            new() { Store = store, Stream = new() { MaxItems = 100, Partitions = 2 } });
        await work.StartAsync(Cancellation);
        const int Each = 500;
        var sending = new List<Task>();
        for (int i = 0; i < lists; i++)
        {
            int first = i * Each;
            sending.Add(Task.Run(() => work.SendAllAsync(Enumerable.Range(first, Each).ToList(), Cancellation).AsTask(), Cancellation));
        }
        for (int i = 0; i < 3; i++)
        {
            int first = (lists + i) * Each;
            sending.Add(Task.Run(async () =>
            {
                for (int n = 0; n < Each; n++) await work.SendAsync(first + n, Cancellation);
            }, Cancellation));
        }
        await Task.WhenAll(sending);
        await work.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(0, (lists + 3) * Each), seen.Order());
    }

    private sealed class Hooked(Action<int> visit) : IPayloadSerializer<int>
    {
        public void Serialize(int value, IBufferWriter<byte> to)
        {
            Span<byte> room = to.GetSpan(4);
            visit(value);
            BitConverter.TryWriteBytes(room, value);
            to.Advance(4);
        }

        public int Deserialize(ReadOnlySpan<byte> payload) => BitConverter.ToInt32(payload);
    }

    private sealed class HookedList(int[] items, Action<int> visit) : IReadOnlyList<int>
    {
        public int Count => items.Length;

        public int this[int index]
        {
            get
            {
                visit(items[index]);
                return items[index];
            }
        }

        public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)items).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => items.GetEnumerator();
    }
}
