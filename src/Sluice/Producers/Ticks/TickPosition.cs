namespace Sluice.Producers;

/// <summary>The stored position of a tick producer. Stored with its items.</summary>
/// <param name="Tick">The latest tick that has begun, in ticks of UTC.</param>
/// <param name="Items">The number of its items that were accepted; <see cref="All"/> when the tick is over.</param>
/// <param name="Schedule">The checksum of the schedule by which the tick was found; zero if it is unknown.</param>
internal readonly record struct TickPosition(long Tick, long Items, uint Schedule)
{
    public const long All = -1;

    private const byte Version = 2;
    private const int Size = 21;
    private const int SizeOfFirst = 17;              // version 1 has no checksum

    public bool IsOver => Items == All;

    /// <param name="bytes">A result of <see cref="ToBytes"/>; empty for the beginning.</param>
    /// <param name="name">The producer's name.</param>
    /// <exception cref="InvalidDataException">Another version of the code has stored it.</exception>
    public static TickPosition? Read(ReadOnlyMemory<byte> bytes, string name)
    {
        if (bytes.IsEmpty) return null;
        ReadOnlySpan<byte> span = bytes.Span;
        if ((span[0], span.Length) is not ((Version, Size) or (1, SizeOfFirst)))
            throw new InvalidDataException(
                $"The position of the producer '{name}' is of version {span[0]}, and this code knows {Version}: run the code that has "
                    + $"stored it, or a later one.");
        return new(BinaryPrimitives.ReadInt64LittleEndian(span[1..]), BinaryPrimitives.ReadInt64LittleEndian(span[9..]),
            span.Length == Size ? BinaryPrimitives.ReadUInt32LittleEndian(span[SizeOfFirst..]) : 0);
    }

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Size];
        bytes[0] = Version;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), Tick);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(9), Items);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(SizeOfFirst), Schedule);
        return bytes;
    }
}
