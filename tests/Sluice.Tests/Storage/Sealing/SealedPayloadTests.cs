using System.Buffers;
using System.Text;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

public class SealedPayloadTests
{
    private static readonly byte[] First = [.. Enumerable.Range(0, 32).Select(n => (byte)n)];
    private static readonly byte[] Second = [.. Enumerable.Range(100, 40).Select(n => (byte)n)];
    private static readonly string Long = string.Concat(Enumerable.Repeat("all work and no play makes Jack a dull boy. ", 100));
    private static readonly PayloadSerializers Signed = PayloadSerializers.Json.Signed(new("k1", First));

    public static TheoryData<string, PayloadSerializers> Layers => new()
    {
        { "brotli", PayloadSerializers.Json.Compressed() },
        { "zlib", PayloadSerializers.Json.Compressed(method: PayloadCompression.ZLib) },
        { "signed", Signed },
        { "brotli, signed", Signed.Compressed() },
        { "zlib, signed", PayloadSerializers.Json.Compressed(0, PayloadCompression.ZLib).Signed(new("k1", First)) },
    };

    [Theory]
    [MemberData(nameof(Layers))]
    public void APayloadIsReadBackThroughEachLayer(string name, PayloadSerializers serializers)
    {
        foreach (string text in (string[])["", "a", Long[..1000], Long, Long + "é" + Long])
            Assert.Equal(text, serializers.For<string>().Deserialize(Write(serializers, text)));
        Assert.True(name == "signed" || Write(serializers, Long).Length < Long.Length / 10);
    }

    [Fact]
    public void ASerializerReadsBothCompressionMethods()
    {
        PayloadSerializers brotli = PayloadSerializers.Json.Compressed(),
            zlib = PayloadSerializers.Json.Compressed(method: PayloadCompression.ZLib),
                none = PayloadSerializers.Json.Compressed(int.MaxValue);

        Assert.Equal(Long, zlib.For<string>().Deserialize(Write(brotli, Long)));
        Assert.Equal(Long, brotli.For<string>().Deserialize(Write(zlib, Long)));
        Assert.Equal(Long, none.For<string>().Deserialize(Write(zlib, Long)));
        Assert.True(Write(none, Long).Length > Long.Length);
    }

    [Fact]
    public void AnIncompressiblePayloadIsStoredUncompressed()
    {
        byte[] noise = new byte[5000];
        new Random(1).NextBytes(noise);
        foreach (PayloadCompression method in Enum.GetValues<PayloadCompression>())
        {
            PayloadSerializers serializers = PayloadSerializers.Json.Compressed(0, method);
            Assert.Equal(5001, Write(serializers, noise).Length);
            Assert.Equal(noise, serializers.For<byte[]>().Deserialize(Write(serializers, noise)));
        }
    }

    /// <summary>
    /// Flips every bit: of the mark, the length of the key id, the key id, the inner layer, the payload and the signature.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnyChangedBitOfASignedPayloadIsDetected(bool compressed)
    {
        PayloadSerializers serializers = compressed ? Signed.Compressed(10) : Signed;
        byte[] payload = Write(serializers, Long[..60] + Long[..60]);
        IPayloadSerializer<string> serializer = serializers.For<string>();
        for (int bit = 0; bit < payload.Length * 8; bit++)
        {
            payload[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<PayloadException>(() => serializer.Deserialize(payload));
            payload[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        for (int length = 0; length < payload.Length; length++)
            Assert.Throws<PayloadException>(() => serializer.Deserialize(payload.AsSpan(0, length)));
        Assert.Throws<PayloadException>(() => serializer.Deserialize([.. payload, 0]));
    }

    [Theory]
    [InlineData(PayloadCompression.Brotli)]
    [InlineData(PayloadCompression.ZLib)]
    public void ATruncatedPayloadIsRefused(PayloadCompression method)
    {
        PayloadSerializers serializers = PayloadSerializers.Json.Compressed(0, method);
        byte[] payload = Write(serializers, Long);
        for (int length = 0; length < payload.Length; length++)
        {
            // The payload is complete without the checksum at the end of zlib data.
            if (method == PayloadCompression.ZLib && length >= payload.Length - 6) break;
            Assert.Throws<PayloadException>(() => serializers.For<string>().Deserialize(payload.AsSpan(0, length)));
        }
    }

    [Fact]
    public void KeysCanBeRotatedOneProgramAtATime()
    {
        var old = new PayloadKeys("k1", First);
        PayloadSerializers before = Of(old), accepting = Of(old.Accepting("k2", Second)),
            signing = Of(new PayloadKeys("k2", Second).Accepting("k1", First)), after = Of(new("k2", Second));

        Assert.Equal("x", accepting.For<string>().Deserialize(Write(before, "x")));
        Assert.Equal("x", before.For<string>().Deserialize(Write(accepting, "x")));
        Assert.Equal("x", accepting.For<string>().Deserialize(Write(signing, "x")));
        Assert.Equal("x", signing.For<string>().Deserialize(Write(accepting, "x")));
        Assert.Equal("x", after.For<string>().Deserialize(Write(signing, "x")));
        Says(after, Write(before, "x"), "It is signed with the key 'k1', which is not known here (known: k2).");

        static PayloadSerializers Of(PayloadKeys keys) => PayloadSerializers.Json.Signed(keys);
    }

    [Fact]
    public void AnotherKeyWithTheSameIdIsRefused()
        => Says(PayloadSerializers.Json.Signed(new("k1", Second)), Write(Signed, "x"),
        "Its signature does not hold: it was changed, or signed with another key that is called 'k1' as well.");

    [Fact]
    public void ASignatureIsInvalidInAnotherStream()
    {
        byte[] payload = Write(Signed.In("payments"), "x");

        Assert.Equal("x", Signed.In("payments").For<string>().Deserialize(payload));
        Says(Signed.In("refunds"), payload,
            "Its signature does not hold: it was changed, or written for another stream than refunds, or signed with another key that is "
                + "called 'k1' as well.");
        Assert.Throws<PayloadException>(() => Signed.For<string>().Deserialize(payload));
    }

    [Fact]
    public void UnsealedPayloadsAreRefusedUnlessTheOptionAllowsThem()
    {
        byte[] bare = Write(PayloadSerializers.Json, "x");
        Says(PayloadSerializers.Json.Compressed(), bare,
            "It was written without compression, and such payloads are refused here: Compressed(readsUncompressed: true) reads them as "
                + "well.");
        Says(Signed, bare, "It is not signed, and such payloads are refused here: Signed(keys, readsUnsigned: true) reads them as well.");
        PayloadSerializers lenient = PayloadSerializers.Json.Signed(new("k1", First), readsUnsigned: true)
            .Compressed(readsUncompressed: true);
        Assert.Equal("x", lenient.For<string>().Deserialize(bare));
        Assert.Equal("x", lenient.For<string>().Deserialize(Write(Signed, "x")));
        Assert.Equal(Long, lenient.For<string>().Deserialize(Write(PayloadSerializers.Json.Compressed(), Long)));
        Assert.Equal(Long, lenient.For<string>().Deserialize(Write(lenient, Long)));
        byte[] broken = Write(Signed, "x");
        broken[^1]++;
        Assert.Throws<PayloadException>(() => lenient.For<string>().Deserialize(broken));
    }

    [Fact]
    public void AnErrorNamesTheLayerThatTheReaderLacks()
    {
        Says(PayloadSerializers.Json, Write(Signed, "x"),
            "The payload is signed, and is read here without keys: PayloadSerializers.Signed reads it.");
        Says(PayloadSerializers.Json.Compressed(), Write(Signed, "x"),
            "The payload is signed, and is read here without keys: PayloadSerializers.Signed reads it.");
        Says(PayloadSerializers.Json, Write(PayloadSerializers.Json.Compressed(), Long),
            "The payload was written with compression, and is read here without: PayloadSerializers.Compressed reads it.");
    }

    [Fact]
    public void ATooLongPayloadIsRefusedBeforeDecompression()
    {
        byte[] bomb = Write(PayloadSerializers.Json.Compressed(0, maxBytes: 64 << 20), new string('a', 32 << 20));
        PayloadSerializers serializers = PayloadSerializers.Json.Compressed(maxBytes: 1 << 20);
        Assert.True(bomb.Length < 1000);
        Says(serializers, bomb, "It would have 33,554,434 bytes when it is decompressed, the limit is 1,048,576 (maxBytes of Compressed).");

        bomb[1] = 10;                                   // the payload claims that it has 10 bytes
        bomb[2] = bomb[3] = bomb[4] = 0;
        Says(serializers, bomb, "What was compressed in it is damaged, or cut off.");
        bomb[1] = bomb[2] = bomb[3] = bomb[4] = 0xFF;
        Says(serializers, bomb, "What was compressed in it is damaged, or cut off.");
    }

    [Fact]
    public void APayloadAboveTheReadLimitIsNotWritten()
    {
        using var batch = new EntryBatch { Stream = "payments" };
        PayloadException failure = Assert.Throws<PayloadException>(() =>
            batch.Add(PayloadSerializers.Json.Compressed(maxBytes: 1000).For<string>(), new string('a', 2000)));

        Assert.Equal(
            "Entry 1 of a batch for the stream payments: a value of the type string could not be written: It has 2,002 bytes before it "
                + "is compressed, the limit is 1,000 (maxBytes of Compressed). "
            + "Store it elsewhere and send a reference, or raise the limit.", failure.Message);
        Assert.True(failure.IsTooLong);
        Assert.Equal(0, batch.Count);
    }

    [Fact]
    public void ToStringDoesNotRevealKeys()
    {
        var keys = new PayloadKeys("k1", Encoding.ASCII.GetBytes("SECRETSECRETSECRETSECRETSECRETSECRET"));

        Assert.Equal("signs with k1", keys.ToString());
        Assert.Equal("signs with k1, accepts k0 as well", keys.Accepting("k0", First).ToString());
        Assert.DoesNotContain("SECRET", PayloadSerializers.Json.Signed(keys).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void AnInvalidKeyIsRefused()
    {
        Assert.StartsWith("The key 'k' has 31 bytes; 32 random ones are the least",
            Assert.Throws<ArgumentException>(() => new PayloadKeys("k", First.AsSpan(1))).Message, StringComparison.Ordinal);
        Assert.StartsWith("The id of a key has 1 to 64 letters",
            Assert.Throws<ArgumentException>(() => new PayloadKeys("a key", First)).Message, StringComparison.Ordinal);
        Assert.StartsWith("The id of a key", Assert.Throws<ArgumentException>(() => new PayloadKeys(new string('k', 65), First)).Message,
            StringComparison.Ordinal);
        Assert.StartsWith("There is a key 'k' already",
            Assert.Throws<ArgumentException>(() => new PayloadKeys("k", First).Accepting("k", Second)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ACustomSerializerUsesTheSameLayers()
    {
        PayloadSerializers serializers = Signed.With(new Shouting());

        Assert.Equal("hello", serializers.For<string>().Deserialize(Write(serializers, "hello")));
        Assert.Contains("HELLO", Encoding.Latin1.GetString(Write(serializers, "hello")), StringComparison.Ordinal);
        Assert.Equal(0xF8, Write(serializers, "hello")[0]);
    }

    private static void Says(PayloadSerializers serializers, byte[] payload, string expected)
    {
        Exception failure = Assert.ThrowsAny<Exception>(() => serializers.For<string>().Deserialize(payload));
        Assert.True(failure is PayloadException or System.Text.Json.JsonException);
        Assert.Equal(expected, failure.Message);
    }

    private static byte[] Write<T>(PayloadSerializers serializers, T value)
    {
        var to = new ArrayBufferWriter<byte>();
        serializers.For<T>().Serialize(value, to);
        return to.WrittenSpan.ToArray();
    }

    private sealed class Shouting : IPayloadSerializer<string>
    {
        public void Serialize(string value, IBufferWriter<byte> to) => to.Write(Encoding.ASCII.GetBytes(value.ToUpperInvariant()));

        public string Deserialize(ReadOnlySpan<byte> payload) => Encoding.ASCII.GetString(payload).ToLowerInvariant();
    }
}
