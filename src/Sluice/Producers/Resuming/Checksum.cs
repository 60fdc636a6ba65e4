using System.Numerics;

namespace Sluice.Producers;

/// <summary>CRC-32C, computed by the processor: recognises an input that was read before. No protection against intent.</summary>
internal static class Checksum
{
    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        uint sum = ~before;
        for (; bytes.Length >= 8; bytes = bytes[8..]) sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes) sum = BitOperations.Crc32C(sum, b);
        return ~sum;
    }
}
