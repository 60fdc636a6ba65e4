using System.Diagnostics;
using Sluice.Delivery;
using Sluice.Diagnostics;

namespace Sluice.Tests.Persisted;

/// <summary>The trace in the headers of an entry: its bytes, and what is made of bytes that are damaged or of another version.</summary>
public class EntryTraceTests
{
    private const string Parent = "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-01";

    [Fact]
    public void TheHeadersOfATraceHaveFixedBytes()
    {
        byte[] stored = new EntryHeaders(null, null) { Trace = new(ActivityContext.Parse(Parent, "a=1")) }.ToBytes();

        Assert.Equal("0C1A00" + "00" + "0102030405060708090A0B0C0D0E0F10" + "1112131415161718" + "01" + "0D0300" + "613D31",
            Convert.ToHexString(stored));
    }

    [Fact]
    public void ATraceComesBackAsItWas()
    {
        ActivityContext context = Through("vendor=a,other=b").Trace!.Context;

        Assert.Equal(("0102030405060708090a0b0c0d0e0f10", "1112131415161718", ActivityTraceFlags.Recorded, "vendor=a,other=b", true),
            (context.TraceId.ToString(), context.SpanId.ToString(), context.TraceFlags, context.TraceState, context.IsRemote));
    }

    [Fact]
    public void AnItemWithATraceIsStillSimplyAnItem() => Assert.True(Through(null).IsEmpty);

    [Theory]
    [InlineData("")]
    [InlineData("tab\t=1")]
    [InlineData("ä=1")]
    public void ATraceStateThatIsNoneIsLeftOutAndTheTraceStays(string state)
    {
        EntryTrace trace = Through(state).Trace!;

        Assert.Equal("0102030405060708090a0b0c0d0e0f10", trace.Context.TraceId.ToString());
        Assert.Null(trace.Context.TraceState);
    }

    [Fact]
    public void ATraceStateOfMoreThan512CharactersIsLeftOut()
    {
        Assert.Equal(512, Through("a=" + new string('x', 510)).Trace!.Context.TraceState!.Length);
        Assert.Null(Through("a=" + new string('x', 511)).Trace!.Context.TraceState);
        Assert.Null(Through("a=" + new string('x', 100_000)).Trace!.Context.TraceState);
    }

    [Theory]
    [InlineData("")]                                                                           // nothing
    [InlineData("000102030405060708090A0B0C0D0E0F101112131415161718")]                         // cut off
    [InlineData("FF0102030405060708090A0B0C0D0E0F10111213141516171801")]                       // a form that never is
    [InlineData("0000000000000000000000000000000000111213141516171801")]                       // no trace id
    [InlineData("000102030405060708090A0B0C0D0E0F10000000000000000001")]                       // no span id
    public void ADamagedTraceIsLeftOutAndTheOtherHeadersStay(string trace)
    {
        byte[] damaged = [.. Field(1, "id"u8), .. Field(12, Convert.FromHexString(trace)), .. Field(2, "node"u8)];

        EntryHeaders headers = EntryHeaders.Read(damaged);

        Assert.Equal(("id", "node", null), (headers.Id, headers.Node, headers.Trace));
    }

    [Fact]
    public void ALaterFormOfATraceIsReadAsFarAsItIsKnown()
    {
        byte[] later = [.. Field(12, Convert.FromHexString("010102030405060708090A0B0C0D0E0F101112131415161718FFAABB"))];

        Assert.Equal("00-0102030405060708090a0b0c0d0e0f10-1112131415161718-01", Text(EntryHeaders.Read(later).Trace!));
    }

    [Fact]
    public void HeadersOfANewerVersionDoNotHarm()
    {
        byte[] newer = [.. Field(200, new byte[5]), .. Field(1, "id"u8), .. Field(201, [])];

        EntryHeaders headers = EntryHeaders.Read(newer);

        Assert.Equal(("id", null), (headers.Id, headers.Trace));
    }

    [Fact]
    public void RandomBytesAreNeverAnException()
    {
        var random = new Random(17);
        for (int i = 0; i < 10_000; i++)
        {
            var bytes = new byte[random.Next(80)];
            random.NextBytes(bytes);
            if (bytes.Length > 3) (bytes[0], bytes[2]) = ((byte)random.Next(14), 0);
            _ = EntryHeaders.Read(bytes);
        }
    }

    private static EntryHeaders Through(string? state)
    {
        var context = ActivityContext.Parse(Parent, null);
        context = new(context.TraceId, context.SpanId, context.TraceFlags, state);
        return EntryHeaders.Read(new EntryHeaders(null, null) { Trace = new(context) }.ToBytes());
    }

    private static string Text(EntryTrace trace) => $"00-{trace.Context.TraceId}-{trace.Context.SpanId}-{(int)trace.Context.TraceFlags:x2}";

    private static byte[] Field(byte tag, ReadOnlySpan<byte> value) => [tag, (byte)value.Length, (byte)(value.Length >> 8), .. value];
}
