using Sluice.Flows;
using Sluice.Policies;
using Sluice.Storage;

namespace Sluice.Tests.Persisted;

/// <summary>The position of a processor that resumes from scratch, by which the next host compares what it repeats.</summary>
public class OutputHashTests
{
    private const string Plain = "A64AA8A89CC0E9D2";
    private static readonly PayloadSerializers Signing = PayloadSerializers.Json.Signed(new("k1", new byte[32]));
    private static readonly PayloadSerializers Rotated = PayloadSerializers.Json.Signed(new PayloadKeys("k2", new byte[32])
        .Accepting("k1", new byte[32]));

    [Fact]
    public void APositionHasTheHashOfTheRecordsAndThatWithoutLayers()
    {
        Assert.Equal(Plain, Earlier(PayloadSerializers.Json));
        Assert.Equal(Plain, Convert.ToHexString(Of(PayloadSerializers.Json, 1, 2).ToPosition()));
        Assert.Equal(Earlier(Signing) + Plain, Convert.ToHexString(Of(Signing, 1, 2).ToPosition()));
    }

    [Fact]
    public void APositionOfAnEarlierVersionIsReadAsWell()
    {
        byte[] sealedOne = Convert.FromHexString(Earlier(Signing));
        Assert.True(Of(Signing, 1, 2).Matches(sealedOne));
        Assert.False(Of(Signing, 1, 3).Matches(sealedOne));
        Assert.False(Of(Rotated, 1, 2).Matches(sealedOne));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void KeysAndMethodsMayChange(bool wasSealed)
    {
        byte[] position = Convert.FromHexString(wasSealed ? Earlier(Signing) + Plain : Plain);
        foreach (PayloadSerializers now in (PayloadSerializers[])[PayloadSerializers.Json, Signing, Rotated])
        {
            Assert.True(Of(now, 1, 2).Matches(position));
            Assert.False(Of(now, 1, 3).Matches(position));
        }
    }

    [Fact]
    public void AValueWithAnUnknownSignatureIsComparedAsItIs()
    {
        using EntryBatch batch = Batch(Rotated, 1);
        using OutputHash one = new(Signing), other = new(Signing);
        one.Add(batch.RecordAt(0).Span);
        other.Add(batch.RecordAt(0).Span);
        Assert.True(one.Matches(other.ToPosition()));
    }

    // As earlier versions have made the position of the values 1 and 2.
    private static string Earlier(PayloadSerializers serializers)
    {
        using EntryBatch batch = Batch(serializers, 1, 2);
        ulong hash = (StableHash.Of(batch.RecordAt(0).Span) * 0x9E3779B97F4A7C15) + StableHash.Of(batch.RecordAt(1).Span);
        return Convert.ToHexString(BitConverter.GetBytes(hash));
    }

    private static OutputHash Of(PayloadSerializers serializers, params int[] values)
    {
        var hash = new OutputHash(serializers);
        using EntryBatch batch = Batch(serializers, values);
        for (int i = 0; i < batch.Count; i++) hash.Add(batch.RecordAt(i).Span);
        return hash;
    }

    private static EntryBatch Batch(PayloadSerializers serializers, params int[] values)
    {
        var batch = new EntryBatch();
        foreach (int value in values) batch.Add(serializers.For<int>(), value);
        return batch;
    }
}
