namespace Sluice.PostgreSql;

/// <summary>
/// The stored form of entries: blocks of <see cref="EntryChunk"/>. Also a waiting entry and a dead letter are a block, with one record.
/// </summary>
internal static class Stored
{
    /// <summary>Makes a block of one record.</summary>
    public static byte[] Block(EntryChunkHeader header, ReadOnlySpan<byte> record)
    {
        var block = new byte[EntryChunk.HeaderBytes + record.Length];
        EntryChunk.WriteHeader(block, header);
        record.CopyTo(block.AsSpan(EntryChunk.HeaderBytes));
        return block;
    }

    /// <summary>Makes a block of an entry.</summary>
    public static byte[] Block(in Entry entry, int generation)
    {
        using var batch = new EntryBatch
        {
            CodeVersion = entry.CodeVersion,
            FlowVersion = entry.FlowVersion,
            MaxEntryBytes = int.MaxValue
        };
        batch.Add(entry.Payload.Span, entry.Key, entry.Headers.Span);
        return Block(new(entry.Sequence, 1, entry.Time, generation), batch.RecordAt(0).Span);
    }

    /// <summary>Reads the only entry of a block.</summary>
    /// <exception cref="StreamStoreException">It is damaged.</exception>
    public static Entry Read(byte[] block, long sequence, string stream, int partition)
    {
        EntryChunkHeader header = EntryChunk.ReadHeader(block, stream, partition);
        EntryChunk.ReadRecord(block.AsMemory(EntryChunk.HeaderBytes), header, sequence, stream, partition, out Entry entry);
        return entry;
    }

    /// <summary>Reads the only entry of a block; the damage if it is damaged.</summary>
    public static (Entry Entry, string? Damage) TryRead(byte[] block, long sequence, string stream, int partition)
    {
        try
        {
            return (Read(block, sequence, stream, partition), null);
        }
        catch (StreamStoreException)
        {
            string message = EntryMissing(stream, partition, sequence,
                block.Length <= EntryChunk.HeaderBytes ? "it is missing" : "it does not match its checksum").Message;
            return (new() { Sequence = sequence, Payload = block.AsMemory(Math.Min(block.Length, EntryChunk.HeaderBytes)) }, message);
        }
    }

    public static StreamStoreException EntryMissing(string stream, int partition, long sequence, string how) => new(
        $"{stream}/{partition}/{sequence} is damaged: {how}. Restore the store from a backup; CheckAsync lists everything that is damaged.")
    { Stream = stream, Partition = partition, Sequence = sequence, IsPermanent = true };
}

/// <summary>The place of a stored block: its sequences, and the sum of the bytes before it. It never changes.</summary>
internal readonly record struct ChunkMark(long First, long Last, long Before, long Bytes)
{
    /// <summary>The bytes of the partition before a sequence of this block; within the block in proportion.</summary>
    public long BytesBefore(long sequence) => Before + (long)((Int128)Bytes * (sequence - First) / (Last - First + 1));
}

/// <summary>A block of entries that was read.</summary>
internal sealed class StoredChunk(ChunkMark mark, byte[] body, string stream, int partition)
{
    private readonly Dictionary<long, (Entry Entry, string? Damage, ReadOnlyMemory<byte> Raw)> entries = [];
    private int position = EntryChunk.HeaderBytes;
    private long next = mark.First;
    private EntryChunkHeader? header;
    private string? damage;

    public ChunkMark Mark => mark;

    /// <summary>Reads an entry. A damaged one has its raw bytes, if they can be told from the rest.</summary>
    public (Entry Entry, string? Damage, ReadOnlyMemory<byte> Raw) Read(long sequence)
    {
        if (header is null && damage is null) ReadHeader();
        while (next <= sequence) entries[next] = ReadNext();
        return entries[sequence];
    }

    private void ReadHeader()
    {
        try
        {
            header = EntryChunk.ReadHeader(body, stream, partition);
        }
        catch (StreamStoreException failure)
        {
            damage = failure.Message;
        }
    }

    private (Entry, string?, ReadOnlyMemory<byte>) ReadNext()
    {
        long sequence = next++;
        if (damage is not null) return (new() { Sequence = sequence }, Name(sequence, damage), default);
        ReadOnlyMemory<byte> rest = body.AsMemory(position);
        int length = EntryChunk.RecordLength(rest.Span);
        if (length < EntryChunk.RecordOverhead || length > rest.Length)
        {
            damage = "its record is cut off";
            return (new() { Sequence = sequence }, Name(sequence, damage), rest);
        }
        position += length;
        try
        {
            EntryChunk.ReadRecord(rest, header!.Value, sequence, stream, partition, out Entry entry);
            return (entry, null, default);
        }
        catch (StreamStoreException failure)
        {
            return (new() { Sequence = sequence }, failure.Message, rest[..length]);
        }
    }

    private string Name(long sequence, string how) => how.StartsWith(stream, StringComparison.Ordinal)
        ? $"{stream}/{partition}/{sequence} cannot be read: {how}" : Stored.EntryMissing(stream, partition, sequence, how).Message;
}

/// <summary>Entries of one round and partition, in the making.</summary>
internal sealed class NewChunk(long first, long before)
{
    /// <summary>
    /// The size beyond which another block begins: with the other columns, such a block fits in a page of the table. The server divides a
    /// larger row into TOAST rows of 2 KB, which take twice as long to write.
    /// </summary>
    public const int MaxBytes = 8_000;

    private readonly List<ReadOnlyMemory<byte>> records = [];

    public int Count { get; private set; }
    public int Size { get; private set; }
    public ChunkMark Mark => new(first, first + Count - 1, before, Size - ((long)Count * EntryChunk.RecordOverhead));

    public bool HasRoomFor(int bytes) => Count == 0 || Size + bytes <= MaxBytes;

    public void Add(ReadOnlyMemory<byte> record)
    {
        records.Add(record);
        Count++;
        Size += record.Length;
    }

    public byte[] ToBody(DateTimeOffset time, int generation)
    {
        var body = new byte[EntryChunk.HeaderBytes + Size];
        EntryChunk.WriteHeader(body, new(first, Count, time, generation));
        int at = EntryChunk.HeaderBytes;
        foreach (ReadOnlyMemory<byte> record in records)
        {
            record.Span.CopyTo(body.AsSpan(at));
            at += record.Length;
        }
        return body;
    }
}
