using System.Buffers.Binary;

namespace Sluice;

/// <summary>What of a partition has ended, and how; a row of state, written with every commit.</summary>
/// <param name="Completed">Items that completed.</param>
/// <param name="Skipped">Items that ended without reaching a sink.</param>
/// <param name="Split">Dead letters beyond the first of an item.</param>
internal readonly record struct PartitionBooks(long Completed, long Skipped, long Split)
{
    public const string Node = "$books";

    public static PartitionBooks Read(ReadOnlySpan<byte> row) => new(
        BinaryPrimitives.ReadInt64LittleEndian(row), BinaryPrimitives.ReadInt64LittleEndian(row[8..]), BinaryPrimitives.ReadInt64LittleEndian(row[16..]));

    public StateRow ToRow()
    {
        var bytes = new byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Completed);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Skipped);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Split);
        return new(Node, "", 1, bytes);
    }
}
