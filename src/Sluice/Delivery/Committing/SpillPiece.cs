namespace Sluice.Delivery;

/// <summary>A piece of a spilled item: entries for other streams, entries of the own group, dead letters. Written as bytes, and read for
/// the commit that publishes it.</summary>
internal static class SpillPiece
{
    private const int MaxWeight = 900;
    private const int MaxBytes = StoreCommit.MaxBytes / 2;

    private enum Kind : byte
    {
        Output,
        Derived,
        Letter,
    }

    /// <summary>Takes what is published apart.</summary>
    public static IEnumerable<byte[]> Of(StoreCommit commit)
    {
        var piece = new MemoryStream();
        var writer = new BinaryWriter(piece);
        int weight = 0;
        foreach (CommitOutput output in commit.Outputs)
        {
            for (int i = 0; i < output.Entries.Count; i++)
            {
                // An entry with a key may be the only one of its partition, and so may the first one of a stream.
                if (IsFull(output.Entries.LengthAt(i), i == 0 || output.Entries.KeyAt(i).Exists ? 3 : 1)) yield return Take();
                writer.Write((byte)Kind.Output);
                writer.Write(output.Stream);
                Write(output.Entries.RecordAt(i));
            }
        }
        for (int i = 0; i < (commit.Derived?.Count ?? 0); i++)
        {
            if (IsFull(commit.Derived!.LengthAt(i), 1)) yield return Take();
            writer.Write((byte)Kind.Derived);
            Write(commit.Derived.RecordAt(i));
        }
        foreach (DeadLetterWrite letter in commit.Dead)
        {
            if (IsFull((letter.Payload?.Length ?? 0) + (letter.Headers?.Length ?? 0), StoreCommit.WeightOfRange)) yield return Take();
            writer.Write((byte)Kind.Letter);
            writer.Write(letter.Node);
            writer.Write(letter.Error);
            writer.Write(letter.Attempts);
            writer.Write(letter.Path);
            writer.Write(letter.IsDamaged);
            WriteOptional(letter.Payload);
            WriteOptional(letter.Headers);
        }
        if (weight > 0) yield return Take();

        // Counts the part that comes next; a first one may be of any length.
        bool IsFull(int bytes, int more)
        {
            bool isFull = weight > 0 && (weight + more > MaxWeight || piece.Length + bytes > MaxBytes);
            weight = isFull ? more : weight + more;
            return isFull;
        }

        byte[] Take()
        {
            byte[] bytes = piece.ToArray();
            piece.SetLength(0);
            return bytes;
        }

        void Write(ReadOnlyMemory<byte> bytes)
        {
            writer.Write(bytes.Length);
            writer.Write(bytes.Span);
        }

        void WriteOptional(ReadOnlyMemory<byte>? bytes)
        {
            writer.Write(bytes is not null);
            if (bytes is { } some) Write(some);
        }
    }

    /// <summary>Adds a piece to the commit that publishes it.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="commit">Settles nothing.</param>
    /// <param name="stream">The stream of the consecutor.</param>
    /// <param name="sequence">The item's entry.</param>
    public static StoreCommit Publish(ReadOnlyMemory<byte> piece, StoreCommit commit, string stream, long sequence)
    {
        using var reader = new BinaryReader(new MemoryStream(piece.ToArray()));
        List<CommitOutput> outputs = [];
        List<DeadLetterWrite> letters = [];
        EntryBatch? derived = null;
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            switch ((Kind)reader.ReadByte())
            {
                case Kind.Output:
                    string target = reader.ReadString();
                    Entry entry = ReadEntry();
                    if (outputs.Count == 0 || outputs[^1].Stream != target || outputs[^1].Entries.CodeVersion != entry.CodeVersion)
                        outputs.Add(new(target, BatchFor(target, entry)));
                    outputs[^1].Entries.Add(entry.Payload.Span, entry.Key, entry.Headers.Span);
                    break;
                case Kind.Derived:
                    Entry own = ReadEntry();
                    (derived ??= BatchFor(stream, own)).Add(own.Payload.Span, own.Key, own.Headers.Span);
                    break;
                default:
                    letters.Add(new(sequence, reader.ReadString(), reader.ReadString(), reader.ReadInt32())
                    {
                        Path = reader.ReadString(),
                        IsDamaged = reader.ReadBoolean(),
                        Payload = ReadOptional(),
                        Headers = ReadOptional()
                    });
                    break;
            }
        }
        return commit with { Outputs = outputs, Dead = letters, Derived = derived };

        Entry ReadEntry()
        {
            EntryChunk.ReadRecord(reader.ReadBytes(reader.ReadInt32()), default, 0, stream, commit.Owner.Partition, out Entry read);
            return read;
        }

        ReadOnlyMemory<byte>? ReadOptional() => reader.ReadBoolean() ? reader.ReadBytes(reader.ReadInt32()) : null;
    }

    private static EntryBatch BatchFor(string stream, in Entry entry)
        => new() { Stream = stream, CodeVersion = entry.CodeVersion, FlowVersion = entry.FlowVersion, MaxEntryBytes = int.MaxValue };
}
