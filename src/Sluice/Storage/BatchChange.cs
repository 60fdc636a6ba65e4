namespace Sluice.Storage;

/// <summary>
/// A change of a batch's counter, as part of an append or a commit. Once the batch is closed and all accepted entries have ended, the store
/// appends a marker to each of <see cref="MarkerStreams"/>. The same atomic step removes the counter. So retries cannot be overtaken by the
/// end of their batch.
/// </summary>
/// <remarks>
/// A marker is an entry with <see cref="MarkerHeaders"/> as headers and the <see cref="BatchCounts"/> as payload; it may exceed the
/// stream's bounds.
/// </remarks>
/// <param name="Batch">The name of the counter, unique in the store.</param>
public sealed record BatchChange(string Batch)
{
    /// <summary>The number of entries added to the batch; zero or more.</summary>
    public long Accepted { get; init; }

    /// <summary>The number of entries that ended now, including failed ones; zero or more.</summary>
    public long Ended { get; init; }

    /// <summary>The number of <see cref="Ended"/> that failed; zero or more.</summary>
    public long Failed { get; init; }

    /// <summary>Whether the batch is closed: it accepts no more entries.</summary>
    public bool Close { get; init; }

    /// <summary>
    /// The streams that get a marker, if this change completes the batch; usually the same in every change. A stream that has failed, or
    /// does not exist, gets none: it may have been deleted while entries of the batch wait. A stream that is complete gets its marker: its
    /// consumers still work on its entries.
    /// </summary>
    public IReadOnlyList<string> MarkerStreams { get; init; } = [];

    /// <summary>The marker's headers; the same in every change of a batch.</summary>
    public ReadOnlyMemory<byte> MarkerHeaders { get; init; }

    /// <summary>Validates the name and the numbers.</summary>
    /// <exception cref="ArgumentException">The change is invalid; the message says why.</exception>
    public void Check()
    {
        StreamNames.Check(Batch);
        if (Accepted < 0 || Ended < 0 || Failed < 0 || Failed > Ended)
            throw new ArgumentException(
                $"The counter of the batch {Batch} cannot change by {Accepted} accepted, {Ended} ended, {Failed} of them failed.");
    }
}

/// <summary>The counter of a batch.</summary>
/// <param name="Accepted">The number of its entries.</param>
/// <param name="Ended">The number of entries that have ended, including failed ones.</param>
/// <param name="Failed">The number of ended entries that failed.</param>
/// <param name="IsClosed">Whether the batch accepts no more entries.</param>
public readonly record struct BatchCounts(long Accepted, long Ended, long Failed, bool IsClosed)
{
    /// <summary>Whether the marker is due.</summary>
    public bool IsComplete => IsClosed && Accepted == Ended;

    /// <summary>Returns the counter after a change.</summary>
    public BatchCounts With(BatchChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return new(Accepted + change.Accepted, Ended + change.Ended, Failed + change.Failed, IsClosed || change.Close);
    }

    /// <summary>Writes the payload of the marker: accepted, ended, failed, as little-endian 64-bit integers.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[24];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Accepted);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Ended);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Failed);
        return bytes;
    }

    /// <summary>Reads the payload of a marker.</summary>
    /// <exception cref="FormatException">The payload is not 24 bytes long.</exception>
    public static BatchCounts Read(ReadOnlySpan<byte> payload) => payload.Length == 24
        ? new(BinaryPrimitives.ReadInt64LittleEndian(payload), BinaryPrimitives.ReadInt64LittleEndian(payload[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(payload[16..]), IsClosed: true)
        : throw new FormatException($"The marker of a batch has 24 bytes, not {payload.Length}.");
}
