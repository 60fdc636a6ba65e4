using System.Buffers;
using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

public class SealedConsecutorTests
{
    private static readonly PayloadKeys Keys = new("k1", [.. Enumerable.Range(0, 32).Select(n => (byte)n)]);
    private static readonly PayloadSerializers Serializers = PayloadSerializers.Json.Compressed(over: 100, maxBytes: 10_000).Signed(Keys);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnUnauthenticPayloadIsDeadLetteredWithoutCallingTheHandler()
    {
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentBag<string>();
        await using var consecutor = new Consecutor<string>("orders", source => source | seen.Add,
            new() { Store = store, Serializers = Serializers });
        await consecutor.SendAsync("good", Cancellation);
        byte[] changed = Write(Serializers.In("orders"), "buy 1");
        changed[^40] ^= 1;
        PayloadSerializers generous = PayloadSerializers.Json.Compressed(maxBytes: 1 << 24).Signed(Keys);
        (byte[] Payload, string Error)[] bad =
        [
            (changed, "Its signature does not hold"),
            (Write(PayloadSerializers.Json, "bare"), "It is not signed"),
            (Write(Serializers.In("refunds"), "from another stream"), "written for another stream than orders"),
            (Write(generous.In("orders"), new string('a', 100_000)),
                "It would have 100,002 bytes when it is decompressed, the limit is 10,000"),
            (Write(PayloadSerializers.Json.Compressed().Signed(new("k9", new byte[32])).In("orders"), "x"),
                "the key 'k9', which is not known here (known: k1)"),
            ([], "It is not signed"),
        ];
        await AppendAsync(store, bad.Select(each => each.Payload));
        await consecutor.SendAsync(new string('b', 5_000), Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((2L, 6L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal([new string('b', 5_000), "good"], seen.Order());
        List<DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(Cancellation)) letters.Add(letter);
        foreach (var (payload, error) in bad)
        {
            DeadLetter letter = Assert.Single(letters, letter => letter.Payload.Span.SequenceEqual(payload));
            Assert.Contains(error, letter.Error, StringComparison.Ordinal);
            Assert.Contains("of the stream orders is no string", letter.Error, StringComparison.Ordinal);
            Assert.Null(letter.Item);
            Assert.Equal(1, letter.Attempts);
        }
    }

    /// <summary>Retries, dead letters of parts and outputs are sealed as well; state is not, so that it can be migrated.</summary>
    [Fact]
    public async Task DeadLettersAndOutputsAreSealedAndReadBack()
    {
        await using var store = new MemoryStreamStore();
        var booked = new ConcurrentBag<string>();
        bool isMended = false;
        var options = new ConsecutorOptions
        {
            Store = store,
            Serializers = Serializers,
            Delivery = Sluice.DeliveryGuarantee.Replay(0),
            Process = new()
        };
        await using var target = new Consecutor<string>("booked", source => source | booked.Add, options);
        await using var consecutor = new Consecutor<string>("orders",
            source => source | ((string s) => s.Split(' '))
                | ((string[] words) => isMended || words.Length < 3 ? words[0] : throw new FormatException("three")) | Stage.Named("book")
                | Sink.Output<string>("out"), options);
        consecutor.Output<string>("out").To(target);
        await target.StartAsync(Cancellation);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(["a b", "c d e"], Cancellation);
        Assert.Equal((1L, 1L), (await consecutor.WaitForIdleAsync(Cancellation) is var end ? end.Completed : 0, end.Dead));
        DeadLetter? letter = null;
        await foreach (DeadLetter each in consecutor.ListDeadLettersAsync(Cancellation)) letter = each;
        Assert.Equal(["c", "d", "e"], Assert.IsType<string[]>(letter!.Item));
        Assert.True(letter.EntersAtNode);
        Assert.Equal(0xF8, letter.Payload.Span[0]);
        isMended = true;
        await consecutor.RedriveAsync(_ => true, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await target.WaitForIdleAsync(Cancellation);

        Assert.Equal(["a", "c"], booked.Order());
    }

    [Fact]
    public void TheSerializerOfAConsecutorReadsPlainPayloads()
    {
        var consecutor = new Consecutor<string>("orders", source => source | (_ => { }), new() { Serializers = Serializers });

        Assert.Equal("x", consecutor.Serializer.Deserialize("\"x\""u8));
    }

    private static async Task AppendAsync(MemoryStreamStore store, IEnumerable<byte[]> payloads)
    {
        ProducerState producer = await store.OpenProducerAsync("orders", "somebody", Cancellation);
        using var entries = new EntryBatch { Stream = "orders" };
        foreach (byte[] payload in payloads) entries.Add(payload);
        await store.AppendAsync(new("orders", "somebody", producer.Epoch, producer.Last + 1, entries), Cancellation);
    }

    private static byte[] Write<T>(PayloadSerializers serializers, T value)
    {
        var to = new ArrayBufferWriter<byte>();
        serializers.For<T>().Serialize(value, to);
        return to.WrittenSpan.ToArray();
    }
}
