using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Sluice.Storage;

namespace Sluice.Tests.Storage;

public partial class PayloadSerializerTests
{
    internal sealed record Payment(string Account, decimal Amount);

    [JsonSerializable(typeof(Payment))]
    internal sealed partial class PaymentJson : JsonSerializerContext;

    [Fact]
    public void GeneratedAndReflectedJsonAgree()
    {
        using var batch = new EntryBatch();
        var payment = new Payment("a-1", 12.50m);
        IPayloadSerializer<Payment>[] serializers =
            [PayloadSerializer.Json(PaymentJson.Default.Payment), PayloadSerializer.Json<Payment>(PaymentJson.Default),
            PayloadSerializer.Json<Payment>()];
        foreach (IPayloadSerializer<Payment> serializer in serializers) batch.Add(serializer, payment);

        for (int i = 0; i < serializers.Length; i++)
        {
            Entry entry = Read(batch, i);
            Assert.Equal("""{"Account":"a-1","Amount":12.50}""", Encoding.UTF8.GetString(entry.Payload.Span));
            Assert.Equal(payment, serializers[i].Read(entry, "payments", 0));
        }
    }

    [Fact]
    public void AnUnreadablePayloadIsReportedWithStreamAndEntry()
    {
        using var batch = new EntryBatch { CodeVersion = 3 };
        batch.Add("""{"Account":7}"""u8);

        PayloadException failure = Assert.Throws<PayloadException>(
            () => PayloadSerializer.Json(PaymentJson.Default.Payment).Read(Read(batch, 0), "payments", 5));

        Assert.StartsWith("Entry payments/5/1@1 of the stream payments is no Payment (13 bytes, written by code version 3):",
            failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATypeUnknownToTheContextIsNamed()
    {
        ArgumentException failure = Assert.Throws<ArgumentException>(() => PayloadSerializer.Json<Uri>(PaymentJson.Default));

        Assert.StartsWith("PaymentJson does not know Uri: add [JsonSerializable(typeof(Uri))] to it.", failure.Message,
            StringComparison.Ordinal);
    }

    /// <summary>The sender of the JSON does not know the types of this program.</summary>
    [Theory]
    [InlineData("{\"Account\":7}",
        "The value is not of the type that belongs there: expected a text. Path: $.Account | LineNumber: 0 | BytePositionInLine: 12.")]
    [InlineData("{\"Amount\":\"much\"}",
        "The value is not of the type that belongs there: expected a number. Path: $.Amount | LineNumber: 0 | BytePositionInLine: 16.")]
    [InlineData("{\"Account\":\"a\"", "Expected depth to be zero at the end of the JSON payload.")]
    public void AJsonErrorNamesNoDotNetTypes(string payload, string expected)
    {
        var failure = Assert.Throws<System.Text.Json.JsonException>(() => PayloadSerializer.Json(PaymentJson.Default.Payment)
            .Deserialize(Encoding.UTF8.GetBytes(payload)));

        Assert.StartsWith(expected, failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.Path);
    }

    [Fact]
    public void AMissingMemberIsNamed()
    {
        IPayloadSerializer<Strict> serializer = PayloadSerializer.Json<Strict>();

        var failure = Assert.Throws<System.Text.Json.JsonException>(() => serializer.Deserialize("{}"u8));

        Assert.StartsWith("Members are missing: 'Account'", failure.Message, StringComparison.Ordinal);
    }

    private sealed record Strict
    {
        public required string Account { get; init; }
    }

    // A payload is data: a type name in it never selects a type.
    private sealed record Loop
    {
        public Loop? Next { get; set; }
    }

    [Fact]
    public void OptionsThatTheSerializerAdvisesAreGivenToSluice()
    {
        const string Advice = " Give such options to Sluice by the option Serializers = PayloadSerializers.JsonOf(your "
            + "JsonSerializerOptions, with a TypeInfoResolver).";
        var loop = new Loop();
        loop.Next = loop;
        Assert.EndsWith(Advice, Assert.Throws<PayloadException>(() => PayloadSerializer.Json<Loop>()
            .Serialize(loop, new ArrayBufferWriter<byte>())).Message, StringComparison.Ordinal);
        Assert.EndsWith(Advice, Assert.Throws<PayloadException>(() => PayloadSerializer.Json<double>()
            .Serialize(double.NaN, new ArrayBufferWriter<byte>())).Message, StringComparison.Ordinal);

        var given = new JsonSerializerOptions
        {
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
            ReferenceHandler = ReferenceHandler.Preserve,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        };
        PayloadSerializers serializers = PayloadSerializers.JsonOf(given);
        var written = new ArrayBufferWriter<byte>();
        serializers.For<double>().Serialize(double.NaN, written);
        Assert.Equal(double.NaN, serializers.For<double>().Deserialize(written.WrittenSpan));
        written.Clear();
        serializers.For<Loop>().Serialize(loop, written);
        Loop read = serializers.For<Loop>().Deserialize(written.WrittenSpan);
        Assert.Same(read, read.Next);
    }

    [Fact]
    public void ATypeNameInAPayloadIsIgnored()
    {
        using var batch = new EntryBatch();
        batch.Add("""{"$type":"System.IO.FileInfo, System.Runtime","Account":"x","Amount":1}"""u8);

        Assert.Equal(new Payment("x", 1), PayloadSerializer.Json(PaymentJson.Default.Payment).Read(Read(batch, 0), "s", 0));
    }

    [Fact]
    public void WritingJsonAllocatesNothingPerEntry()
    {
        using var batch = new EntryBatch();
        IPayloadSerializer<Payment> serializer = PayloadSerializer.Json(PaymentJson.Default.Payment);
        var payment = new Payment("a-1", 12.50m);
        Fill();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fill();

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);

        void Fill()
        {
            batch.Clear();
            for (int i = 0; i < 1000; i++) batch.Add(serializer, payment);
        }
    }

    private static Entry Read(EntryBatch batch, int index)
    {
        EntryChunk.ReadRecord(batch.RecordAt(index), new(1, 1, default, 1), index + 1, "s", 0, out Entry entry);
        return entry;
    }
}
