namespace Sluice.Delivery;

/// <summary>
/// The items of a partition that have ended, by outcome. The store does not count them: each commit that changes them writes a row of
/// state.
/// </summary>
/// <remarks>Immutable.</remarks>
/// <param name="Completed">Items that completed.</param>
/// <param name="Skipped">Items that ended without reaching a sink.</param>
/// <param name="Split">Dead letters beyond the first of an item.</param>
/// <param name="HasSpills">Whether rows of <see cref="Spill"/> may be stored: the next owner of the partition looks for them.</param>
internal readonly record struct PartitionCounts(long Completed, long Skipped, long Split, bool HasSpills = false)
{
    public const string Node = "$books";
    private const int Plain = 1;                     // the version of a row without spills, which programs before spills can read
    private const int Spilling = 2;
    private const int Length = 24;

    /// <summary>Reads the row of a partition.</summary>
    /// <exception cref="StreamStoreException">A newer program has written it.</exception>
    public static PartitionCounts Read(StateRow stored, GroupId group, int partition)
    {
        if (stored.Version > Spilling || stored.Value is not { Length: >= Length } value)
        {
            throw new StreamStoreException(
                $"The counts of partition {partition} of {group.Stream} have version {stored.Version}; this program reads versions up "
                    + $"to {Spilling}. Start the program that wrote them. Nothing was changed.")
            { Stream = group.Stream, Partition = partition, IsPermanent = true };
        }
        ReadOnlySpan<byte> row = value.Span;
        return new(BinaryPrimitives.ReadInt64LittleEndian(row), BinaryPrimitives.ReadInt64LittleEndian(row[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(row[16..]), stored.Version == Spilling);
    }

    public StateRow ToRow()
    {
        var bytes = new byte[Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Completed);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Skipped);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Split);
        return new(Node, "", HasSpills ? Spilling : Plain, bytes);
    }
}
