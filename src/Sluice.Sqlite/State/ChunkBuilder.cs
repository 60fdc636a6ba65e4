using System.Buffers;

namespace Sluice.Sqlite;

/// <summary>The chunk in the making of a log: what a transaction appends to it, copied once.</summary>
internal sealed class ChunkBuilder
{
    /// <summary>Larger chunks hold one entry only. Below the size from which the runtime treats memory apart.</summary>
    public const int MaxBytes = 64 << 10;

    private byte[] buffer = [];
    private int written;

    public int Count { get; private set; }
    public long Bytes { get; private set; }          // payloads and headers

    /// <summary>Of the finished chunk, in bytes; zero if there is none.</summary>
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

    /// <summary>The finished chunk; valid until the next entry is added.</summary>
    public ReadOnlySpan<byte> Finish(EntryChunkHeader header)
    {
        EntryChunk.WriteHeader(buffer, header);
        return buffer.AsSpan(0, written);
    }

    /// <summary>Forgets what was written, and gives the memory back: a store has many logs.</summary>
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
