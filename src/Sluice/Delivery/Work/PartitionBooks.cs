using System.Buffers.Binary;

namespace Sluice;

/// <summary>What of a partition has ended, and how; a row of state, written with every commit.</summary>
/// <param name="Completed">Items that completed.</param>
/// <param name="Skipped">Items that ended without reaching a sink.</param>
/// <param name="Split">Dead letters beyond the first of an item.</param>
/// <param name="Spills">How many items have rows of what they have become (<see cref="Spill"/>): those are looked for when the partition is taken.</param>
internal readonly record struct PartitionBooks(long Completed, long Skipped, long Split, long Spills = 0)
{
    public const string Node = "$books";
    private const int Length = 32;

    public static PartitionBooks Read(ReadOnlySpan<byte> row) => new(
        BinaryPrimitives.ReadInt64LittleEndian(row), BinaryPrimitives.ReadInt64LittleEndian(row[8..]), BinaryPrimitives.ReadInt64LittleEndian(row[16..]),
        row.Length < Length ? 0 : BinaryPrimitives.ReadInt64LittleEndian(row[24..]));

    public StateRow ToRow()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Completed);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Skipped);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Split);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), Spills);
        return new(Node, "", 1, bytes);
    }
}
