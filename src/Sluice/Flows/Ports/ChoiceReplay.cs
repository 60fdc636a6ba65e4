using System.Buffers.Binary;

namespace Sluice;

/// <summary>What depends on the moment, not on the inputs.</summary>
internal enum ChoiceKind : byte
{
    Merge = 1,
    Latest = 2,
    New = 3,
    Clock = 4,
}

/// <summary>What a processor that resumes from scratch has chosen, and chooses.</summary>
/// <remarks>Implementations are thread-safe.</remarks>
internal interface IChoices
{
    /// <summary>The next choice of the one with this number, if this is a repetition.</summary>
    long? Replay(ChoiceKind kind, int number);

    /// <summary>Something was chosen. It is written down before anything that is put out from now on.</summary>
    void Add(ChoiceKind kind, int number, long value);
}

/// <summary>The choices of an earlier start, to be made again: of each that chooses, in their order.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ChoiceReplay
{
    /// <summary>The length of a choice that is written down: its kind, who chose, and its value.</summary>
    public const int Record = 13;

    private readonly Lock sync = new();
    private readonly Dictionary<(ChoiceKind Kind, int Number), Queue<long>> known = [];
    private readonly Dictionary<(ChoiceKind Kind, string Streams), int> named = [];

    /// <summary>Writes a choice down.</summary>
    public static void Write(Span<byte> record, ChoiceKind kind, int number, long value)
    {
        record[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(record[1..], number);
        BinaryPrimitives.WriteInt64LittleEndian(record[5..], value);
    }

    /// <summary>Adds what was written down.</summary>
    public void Load(ReadOnlySpan<byte> records)
    {
        lock (sync)
            for (; records.Length >= Record; records = records[Record..])
            {
                var key = ((ChoiceKind)records[0], BinaryPrimitives.ReadInt32LittleEndian(records[1..]));
                if (!known.TryGetValue(key, out Queue<long>? choices)) known.Add(key, choices = new());
                choices.Enqueue(BinaryPrimitives.ReadInt64LittleEndian(records[5..]));
            }
    }

    /// <summary>Takes everything out, as it was written down.</summary>
    public byte[] TakeAll()
    {
        lock (sync)
        {
            byte[] records = new byte[known.Values.Sum(choices => choices.Count) * Record];
            int at = 0;
            foreach (var ((kind, number), choices) in known)
                for (; choices.TryDequeue(out long value); at += Record) Write(records.AsSpan(at), kind, number, value);
            known.Clear();
            return records;
        }
    }

    /// <summary>What chooses: by what it chooses from, and how many did so before. Those that begin in another order in a repetition, though they choose from the same, take each other's choices.</summary>
    /// <returns>A number for it.</returns>
    public int NumberOf(ChoiceKind kind, string streams)
    {
        lock (sync)
        {
            int before = named.GetValueOrDefault((kind, streams));
            named[(kind, streams)] = before + 1;
            return (int)StableHash.Of($"{streams} {before}");
        }
    }

    /// <returns>Null if there is none left.</returns>
    public long? Replay(ChoiceKind kind, int number)
    {
        lock (sync) return known.TryGetValue((kind, number), out Queue<long>? choices) && choices.TryDequeue(out long value) ? value : null;
    }
}
