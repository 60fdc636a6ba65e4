using System.Buffers.Binary;

namespace Sluice;

/// <summary>
/// A change of a batch's counter, part of an append or a commit. The change after which the batch is closed and everything accepted has
/// ended appends a marker to each stream of <see cref="MarkerStreams"/>, in the same atomic group, and removes the counter; so retries
/// cannot be overtaken by the end of their batch. A marker is an entry with <see cref="MarkerHeaders"/> as headers and
/// the <see cref="BatchCounts"/> as payload; it may overshoot the bound.
/// </summary>
/// <param name="Batch">The name of the counter, unique in the store.</param>
public sealed record BatchChange(string Batch)
{
    /// <summary>How many more entries belong to the batch; zero or more.</summary>
    public long Accepted { get; init; }

    /// <summary>How many more have ended, failed ones included; zero or more.</summary>
    public long Ended { get; init; }

    /// <summary>How many of those failed; zero or more.</summary>
    public long Failed { get; init; }

    /// <summary>Whether nothing more will be accepted.</summary>
    public bool Close { get; init; }

    /// <summary>Where the marker goes. Every change of a batch gives the same.</summary>
    public IReadOnlyList<string> MarkerStreams { get; init; } = [];

    /// <summary>The marker's headers. Every change of a batch gives the same.</summary>
    public ReadOnlyMemory<byte> MarkerHeaders { get; init; }

    /// <summary>Checks the name and the numbers.</summary>
    /// <exception cref="ArgumentException">It cannot be meant: says why.</exception>
    public void Check()
    {
        StreamNames.Check(Batch);
        if (Accepted < 0 || Ended < 0 || Failed < 0 || Failed > Ended)
            throw new ArgumentException($"The counter of the batch {Batch} cannot change by {Accepted} accepted, {Ended} ended, {Failed} of them failed.");
    }
}

/// <summary>The counter of a batch.</summary>
/// <param name="Accepted">How many entries belong to it.</param>
/// <param name="Ended">How many have ended, failed ones included.</param>
/// <param name="Failed">How many of those failed.</param>
/// <param name="IsClosed">Whether nothing more will be accepted.</param>
public readonly record struct BatchCounts(long Accepted, long Ended, long Failed, bool IsClosed)
{
    /// <summary>Whether the marker is due.</summary>
    public bool IsComplete => IsClosed && Accepted == Ended;

    /// <summary>The counter after a change.</summary>
    public BatchCounts With(BatchChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return new(Accepted + change.Accepted, Ended + change.Ended, Failed + change.Failed, IsClosed || change.Close);
    }

    /// <summary>The payload of the marker: accepted, ended, failed, as little-endian integers of 64 bits.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Accepted);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Ended);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Failed);
        return bytes;
    }

    /// <summary>Reads the payload of a marker.</summary>
    /// <exception cref="FormatException">It is not 24 bytes long.</exception>
    public static BatchCounts Read(ReadOnlySpan<byte> payload) => payload.Length == 24
        ? new(BinaryPrimitives.ReadInt64LittleEndian(payload), BinaryPrimitives.ReadInt64LittleEndian(payload[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(payload[16..]), IsClosed: true)
        : throw new FormatException($"The marker of a batch has 24 bytes, not {payload.Length}.");
}
