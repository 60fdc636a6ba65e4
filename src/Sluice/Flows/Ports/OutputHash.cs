using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>
/// The rolling hash of an output's values, by which a repetition is compared. It is made before compression and signing, because keys and
/// methods change.
/// </summary>
/// <remarks>
/// Stored as the position of the producer: the hash of the values as they are stored, and the hash of the values without compression and
/// signature, if they have such layers. Each has 8 bytes, little-endian. Earlier versions wrote, and compare, the first one only.
/// Not thread-safe.
/// </remarks>
internal sealed class OutputHash(PayloadSerializers serializers) : IDisposable
{
    private const int HashBytes = 8;
    private const ulong Factor = 0x9E3779B97F4A7C15;

    private readonly IPayloadSerializer<byte[]>? layers = serializers.HasLayers ? serializers.Raw : null;
    private readonly EntryBatch bare = new() { MaxEntryBytes = int.MaxValue };
    private ulong stored;
    private ulong plain;

    /// <summary>Adds a value in its stored form, without headers.</summary>
    public void Add(ReadOnlySpan<byte> record)
    {
        stored = (stored * Factor) + StableHash.Of(record);
        plain = layers is null ? stored : (plain * Factor) + StableHash.Of(WithoutLayers(record));
    }

    public byte[] ToPosition()
    {
        var position = new byte[layers is null ? HashBytes : 2 * HashBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(position, stored);
        if (layers is not null) BinaryPrimitives.WriteUInt64LittleEndian(position.AsSpan(HashBytes), plain);
        return position;
    }

    /// <summary>Whether the values of a stored position are the values so far.</summary>
    public bool Matches(ReadOnlySpan<byte> position)
    {
        if (position.Length >= 2 * HashBytes) return BinaryPrimitives.ReadUInt64LittleEndian(position[HashBytes..]) == plain;
        // The values had no layers then, or an earlier version has written the position.
        ulong known = BinaryPrimitives.ReadUInt64LittleEndian(position);
        return known == plain || known == stored;
    }

    public void Dispose() => bare.Dispose();

    private ReadOnlySpan<byte> WithoutLayers(ReadOnlySpan<byte> record)
    {
        bare.Clear();
        try
        {
            bare.Add(layers!.Deserialize(record[EntryChunk.RecordOverhead..]));
        }
        catch (PayloadException)
        {
            return record;                           // a remote function has sealed it, with a key that is not known here
        }
        return bare.RecordAt(0).Span;
    }
}
