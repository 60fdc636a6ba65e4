using System.Buffers.Binary;

namespace Sluice.Redis;

/// <summary>Reads entries from replies, and verifies them.</summary>
internal static class Entries
{
    /// <summary>Adds the entries of a reply: first sequence, count, time, generation, records.</summary>
    public static void AddPiece(List<Entry> entries, Reply piece, string stream, int partition, int attempt)
    {
        var header = new EntryChunkHeader(piece[0].Long, piece[1].Int, piece[2].Time, piece[3].Int);
        Add(entries, header, piece[4].Bytes, stream, partition, attempt);
    }

    /// <summary>A record without key, headers and payload, for the dead letter of an unreadable entry.</summary>
    public static ReadOnlyMemory<byte> Nothing { get; } = NewNothing();

    /// <summary>Reads leased entries; damaged ones become descriptions of their damage.</summary>
    public static void AddPiece(List<Entry> entries, List<LeaseDamage> damaged, Reply piece, Ownership owner)
    {
        (string stream, int partition) = (owner.Group.Stream, owner.Partition);
        ReadOnlyMemory<byte> records = piece[4].Bytes;
        if (records.IsEmpty)
        {
            damaged.Add(new(owner, GoneIn(piece), Gone(stream, partition, GoneIn(piece))));
            return;
        }
        var header = new EntryChunkHeader(piece[0].Long, piece[1].Int, piece[2].Time, piece[3].Int);
        for (long sequence = header.First; sequence < header.First + header.Count; sequence++)
        {
            int length = LengthOf(records.Span);
            try
            {
                length = EntryChunk.ReadRecord(records, header, sequence, stream, partition, out Entry entry);
                entries.Add(entry with { Attempt = 1 });
            }
            catch (StreamStoreException damage)
            {
                damaged.Add(new(owner, new(sequence, sequence), damage.Message) { Raw = records[..length].ToArray() });
            }
            records = records[length..];
        }
    }

    /// <summary>Adds a leased row, or the description of its damage.</summary>
    public static void AddRow(List<Entry> entries, List<LeaseDamage> damaged, Reply row, Ownership owner)
    {
        (long sequence, int attempt) = (row[0].Long, row[6].Int);
        try
        {
            entries.Add(Read(sequence, row, 1, owner.Group.Stream, owner.Partition) with { Attempt = attempt });
        }
        catch (StreamStoreException damage)
        {
            string message = row[3].Bytes.Length == 0 ? Gone(owner.Group.Stream, owner.Partition, new(sequence, sequence)) : damage.Message;
            damaged.Add(new(owner, new(sequence, sequence), message) { Attempt = attempt, Raw = row[3].Bytes });
        }
    }

    /// <summary>Returns the entries of a reply without records: their chunk is missing.</summary>
    public static SequenceRange GoneIn(Reply piece) => new(piece[0].Long, piece[0].Long + piece[1].Long - 1);

    /// <summary>The message about missing entries.</summary>
    public static string Gone(string stream, int partition, SequenceRange entries)
        => $"{stream}/{partition}/{entries.First}{(entries.Count > 1 ? $" to {entries.Last}" : "")} is missing in the store: keys of the "
        + $"store were deleted by something else than Sluice, or Sluice has a defect. Restore a backup.";

    /// <summary>Returns the length of the first record, as far as it can be trusted.</summary>
    public static int LengthOf(ReadOnlySpan<byte> records)
        => records.Length < EntryChunk.RecordOverhead ? records.Length
        : Math.Clamp(EntryChunk.RecordLength(records), EntryChunk.RecordOverhead, records.Length);

    /// <summary>Adds the entries of consecutive records.</summary>
    public static void Add(List<Entry> entries, EntryChunkHeader header, ReadOnlyMemory<byte> records, string stream, int partition,
        int attempt)
    {
        for (int i = 0; i < header.Count; i++)
        {
            records = records[EntryChunk.ReadRecord(records, header, header.First + i, stream, partition, out Entry entry)..];
            entries.Add(attempt == 0 ? entry : entry with { Attempt = attempt });
        }
    }

    /// <summary>
    /// Reads an entry from five consecutive values: time, generation, record, and the replacements of payload and headers.
    /// </summary>
    public static Entry Read(long sequence, Reply from, int at, string stream, int partition)
    {
        var header = new EntryChunkHeader(sequence, 1, from[at].Time, from[at + 1].Int);
        EntryChunk.ReadRecord(from[at + 2].Bytes, header, sequence, stream, partition, out Entry entry);
        byte[] payload = from[at + 3].Bytes, headers = from[at + 4].Bytes;
        if (payload.Length > 0) entry = entry with { Payload = Checked(payload, sequence, stream, partition) };
        return headers.Length > 0 ? entry with { Headers = Checked(headers, sequence, stream, partition) } : entry;
    }

    /// <summary>Reads an entry from the same values, without its payload.</summary>
    public static Entry ReadHead(long sequence, Reply from, int at, string stream, int partition)
    {
        byte[] record = from[at + 2].Bytes, headers = from[at + 4].Bytes;
        if (record.Length < EntryChunk.RecordOverhead) return new() { Sequence = sequence };          // damaged: the lease reports it
        return new()
        {
            Sequence = sequence,
            Time = from[at].Time,
            Generation = from[at + 1].Int,
            Key = EntryChunk.KeyOf(record),
            CodeVersion = BinaryPrimitives.ReadInt32LittleEndian(record.AsSpan(16)),
            FlowVersion = BinaryPrimitives.ReadInt32LittleEndian(record.AsSpan(20)),
            Headers = headers.Length > 0 ? Checked(headers, sequence, stream, partition) : record.AsMemory(EntryChunk.RecordOverhead),
        };
    }

    /// <summary>Writes a replacement of payload or headers, behind its checksum, so that an empty replacement differs from none.</summary>
    public static ReadOnlyMemory<byte> Substitute(ReadOnlyMemory<byte>? bytes)
    {
        if (bytes is not { } some) return default;
        var stored = new byte[4 + some.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(stored, EntryChunk.Checksum(some.Span));
        some.CopyTo(stored.AsMemory(4));
        return stored;
    }

    private static ReadOnlyMemory<byte> NewNothing()
    {
        using var batch = new EntryBatch();
        batch.Add([]);
        return batch.RecordAt(0).ToArray();
    }

    private static ReadOnlyMemory<byte> Checked(byte[] stored, long sequence, string stream, int partition)
        => stored.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(stored) == EntryChunk.Checksum(stored.AsSpan(4))
            ? stored.AsMemory(4)
            : throw new StreamStoreException(
            $"{stream}/{partition}/{sequence} is damaged: what replaces its payload or headers does not match its checksum. Restore the "
                + $"store from a backup.")
            { Stream = stream, Partition = partition, Sequence = sequence, IsPermanent = true };
}
