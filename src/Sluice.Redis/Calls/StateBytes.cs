using System.Buffers.Binary;

namespace Sluice.Redis;

/// <summary>
/// The stored form of a row of state: version (4 bytes), checksum (6), value. The client computes the checksum, so that the server only
/// adds.
/// </summary>
internal static class StateBytes
{
    private const int HeadBytes = 10;

    /// <summary>Returns the stored bytes of a row; empty for a deleted row.</summary>
    public static ReadOnlyMemory<byte> Write(StateRow row)
    {
        if (row.Value is not { } value) return default;
        var stored = new byte[HeadBytes + value.Length];
        BinaryPrimitives.WriteInt32LittleEndian(stored, row.Version);
        value.CopyTo(stored.AsMemory(HeadBytes));
        WriteSum(stored, SumOf(row.Node, row.Key, stored));
        return stored;
    }

    /// <summary>Reads a row.</summary>
    /// <exception cref="StreamStoreException">The row does not match its checksum.</exception>
    public static StateRow Read(string node, string key, byte[] stored, string stream, int partition)
    {
        if (stored.Length >= HeadBytes && ReadSum(stored) == SumOf(node, key, stored))
            return new(node, key, BinaryPrimitives.ReadInt32LittleEndian(stored), stored.AsMemory(HeadBytes));
        throw new StreamStoreException(
            $"The state of the key {key} of the node {node} in {stream}/{partition} is damaged: it does not match its checksum. Keys of "
                + $"the store were changed by something else than Sluice, or Sluice has a defect. Restore a backup.")
        { Stream = stream, Partition = partition, IsPermanent = true };
    }

    // 64-bit FNV-1a over the parts of the row, folded to 48 bits.
    private static long SumOf(string node, string key, ReadOnlySpan<byte> stored)
    {
        const ulong Prime = 0x100000001B3;
        ulong sum = 0xCBF29CE484222325;
        foreach (char letter in node) sum = (sum ^ letter) * Prime;
        sum = (sum ^ 0xFFFF) * Prime;
        foreach (char letter in key) sum = (sum ^ letter) * Prime;
        sum = (sum ^ 0xFFFF) * Prime;
        sum = (sum ^ EntryChunk.Checksum(stored[..4])) * Prime;
        sum = (sum ^ EntryChunk.Checksum(stored[HeadBytes..])) * Prime;
        sum = (sum ^ (ulong)stored.Length) * Prime;
        return (long)((sum ^ (sum >> 48)) & 0xFFFFFFFFFFFF);
    }

    private static void WriteSum(Span<byte> stored, long sum)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(stored[4..], (uint)sum);
        BinaryPrimitives.WriteUInt16LittleEndian(stored[8..], (ushort)(sum >> 32));
    }

    private static long ReadSum(ReadOnlySpan<byte> stored)
        => BinaryPrimitives.ReadUInt32LittleEndian(stored[4..]) | ((long)BinaryPrimitives.ReadUInt16LittleEndian(stored[8..]) << 32);
}
