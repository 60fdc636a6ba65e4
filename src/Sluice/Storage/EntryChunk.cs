using System.Numerics;

namespace Sluice.Storage;

/// <summary>
/// The stored form of entries, a block: a header of <see cref="HeaderBytes"/> bytes, then one record for each entry. All stores share this
/// writer and reader, with its checksums and errors. All integers are little-endian.
/// </summary>
/// <remarks>
/// <para>
/// Header: format (4 bytes), CRC-32C of the rest of the header (4), first sequence (8), UTC time in ticks (8), generation (4), count (4).
/// </para>
/// <para>
/// Record: length of the record without its first 8 bytes (4), CRC-32C of those bytes (4); key (8), code version (4), flow version (4),
/// length of the headers (4), headers, payload.
/// </para>
/// <para>Thread-safe: no state.</para>
/// </remarks>
public static class EntryChunk
{
    /// <summary>The length of a block's header, in bytes.</summary>
    public const int HeaderBytes = 32;

    /// <summary>The size of a record without headers and payload, in bytes.</summary>
    public const int RecordOverhead = 28;

    private const uint Form = 0x31434C53;            // SLC1

    /// <summary>Writes the header of a block; the records follow it.</summary>
    /// <param name="to">At least <see cref="HeaderBytes"/> long.</param>
    /// <param name="header">The header to write.</param>
    public static void WriteHeader(Span<byte> to, EntryChunkHeader header)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Form);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], header.First);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], header.Time.UtcTicks);
        BinaryPrimitives.WriteInt32LittleEndian(to[24..], header.Generation);
        BinaryPrimitives.WriteInt32LittleEndian(to[28..], header.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], Checksum(to[8..HeaderBytes]));
    }

    /// <summary>Reads and validates the header of a block.</summary>
    /// <param name="chunk">The block.</param>
    /// <param name="stream">The stream, for errors.</param>
    /// <param name="partition">The partition, for errors.</param>
    /// <exception cref="StreamStoreException">The bytes are no block, have a newer format, or are damaged.</exception>
    public static EntryChunkHeader ReadHeader(ReadOnlySpan<byte> chunk, string stream, int partition)
    {
        if (chunk.Length < HeaderBytes || (BinaryPrimitives.ReadUInt32LittleEndian(chunk) & 0xffffff) != (Form & 0xffffff))
            throw Damaged(stream, partition, null, "what is stored is not a chunk of entries");
        if (BinaryPrimitives.ReadUInt32LittleEndian(chunk) != Form)
            throw Damaged(stream, partition, null, "a chunk has a newer form than this version of Sluice knows");
        if (BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]) != Checksum(chunk[8..HeaderBytes]))
            throw Damaged(stream, partition, null, "the header of a chunk does not match its checksum");
        return new(BinaryPrimitives.ReadInt64LittleEndian(chunk[8..]), BinaryPrimitives.ReadInt32LittleEndian(chunk[28..]),
            new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(chunk[16..]), TimeSpan.Zero),
                BinaryPrimitives.ReadInt32LittleEndian(chunk[24..]));
    }

    /// <summary>Reads and validates the record at the beginning of a buffer.</summary>
    /// <param name="records">The records. Headers and payload of the entry are slices of this memory.</param>
    /// <param name="header">The header of their block.</param>
    /// <param name="sequence">The sequence of the entry.</param>
    /// <param name="stream">The stream, for errors.</param>
    /// <param name="partition">The partition, for errors.</param>
    /// <param name="entry">The entry, with no attempt.</param>
    /// <returns>The length of the record in bytes; the next record begins there.</returns>
    /// <exception cref="StreamStoreException">
    /// The record is truncated or damaged; the exception names stream, partition and sequence.
    /// </exception>
    public static int ReadRecord(
        ReadOnlyMemory<byte> records, in EntryChunkHeader header, long sequence, string stream, int partition, out Entry entry)
    {
        ReadOnlySpan<byte> span = records.Span;
        int length = span.Length < RecordOverhead ? 0 : RecordLength(span);
        if (length < RecordOverhead || length > span.Length) throw Damaged(stream, partition, sequence, "its record is cut off");
        if (BinaryPrimitives.ReadUInt32LittleEndian(span[4..]) != Checksum(span[8..length]))
            throw Damaged(stream, partition, sequence, "it does not match its checksum");
        int headers = BinaryPrimitives.ReadInt32LittleEndian(span[24..]);
        if (headers < 0 || headers > length - RecordOverhead)
            throw Damaged(stream, partition, sequence, "the length of its headers is wrong");
        entry = new Entry
        {
            Sequence = sequence,
            Generation = header.Generation,
            Time = header.Time,
            Key = KeyOf(span),
            CodeVersion = BinaryPrimitives.ReadInt32LittleEndian(span[16..]),
            FlowVersion = BinaryPrimitives.ReadInt32LittleEndian(span[20..]),
            Headers = records.Slice(RecordOverhead, headers),
            Payload = records[(RecordOverhead + headers)..length],
        };
        return length;
    }

    /// <summary>Returns the length of the record at the beginning of a buffer, without validation; zero if there is none.</summary>
    public static int RecordLength(ReadOnlySpan<byte> records)
        => records.Length < RecordOverhead ? 0 : (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(records) + 8L, int.MaxValue);

    /// <summary>Returns the key of a record, without validation.</summary>
    public static EntryKey KeyOf(ReadOnlySpan<byte> record) => new(BinaryPrimitives.ReadUInt64LittleEndian(record[8..]));

    /// <summary>Returns where the payload of a record begins, without validation.</summary>
    internal static int PayloadAt(ReadOnlySpan<byte> record) => RecordOverhead + BinaryPrimitives.ReadInt32LittleEndian(record[24..]);

    /// <summary>Computes CRC-32C, as in the records; stores may use it for other data.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    internal static void BeginRecord(Span<byte> to, EntryKey key, int codeVersion, int flowVersion, int headers)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], key.Hash);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], codeVersion);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], flowVersion);
        BinaryPrimitives.WriteInt32LittleEndian(to[24..], headers);
    }

    internal static void EndRecord(Span<byte> record)
    {
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length - 8);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Checksum(record[8..]));
    }

    private static StreamStoreException Damaged(string stream, int partition, long? sequence, string how) => new(
        $"{stream}/{partition}{(sequence is null ? "" : $"/{sequence}")} is damaged: {how}. Restore the store from a backup; "
        + "CheckAsync lists everything that is damaged.")
    { Stream = stream, Partition = partition, Sequence = sequence, IsPermanent = true };
}

/// <summary>The values that all entries of a block share.</summary>
/// <param name="First">The sequence of the first entry.</param>
/// <param name="Count">The number of entries.</param>
/// <param name="Time">The time when they were accepted.</param>
/// <param name="Generation">The generation of the store at that time.</param>
public readonly record struct EntryChunkHeader(long First, int Count, DateTimeOffset Time, int Generation);
