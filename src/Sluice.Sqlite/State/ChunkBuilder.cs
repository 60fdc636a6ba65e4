using System.Buffers;

namespace Sluice.Sqlite;

/// <summary>The chunk that a transaction appends to a log; entries are copied once.</summary>
internal sealed class ChunkBuilder
{
    /// <summary>The maximum size of a chunk with several entries, in bytes; below the large object heap of the runtime.</summary>
    public const int MaxBytes = 64 << 10;

    private byte[] buffer = [];
    private int written;

    public int Count { get; private set; }
    public long Bytes { get; private set; }          // payloads and headers

    /// <summary>The length of the chunk in bytes; zero if it is empty.</summary>
    public int Length => written;

    public int Room => MaxBytes - (Count == 0 ? EntryChunk.HeaderBytes : written);

    public void Add(ReadOnlySpan<byte> records, int count)
    {
        if (Count == 0) written = EntryChunk.HeaderBytes;
        if (buffer.Length - written < records.Length) Grow(written + records.Length);
        records.CopyTo(buffer.AsSpan(written));
        written += records.Length;
        Count += count;
        Bytes += records.Length - ((long)count * EntryChunk.RecordOverhead);
    }

    /// <summary>Completes the chunk; valid until the next entry is added.</summary>
    public ReadOnlySpan<byte> Finish(EntryChunkHeader header)
    {
        EntryChunk.WriteHeader(buffer, header);
        return buffer.AsSpan(0, written);
    }

    /// <summary>Empties the builder and returns its memory to the pool, because a store has many logs.</summary>
    public void Clear()
    {
        (Count, Bytes, written) = (0, 0, 0);
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private void Grow(int length)
    {
        byte[] longer = ArrayPool<byte>.Shared.Rent(Math.Max(length, Math.Max(1024, buffer.Length * 2)));
        if (Count > 0) buffer.AsSpan(0, written).CopyTo(longer);
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = longer;
    }
}
