using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>The kinds of choices that depend on the moment, not on the inputs.</summary>
internal enum ChoiceKind : byte
{
    Merge = 1,
    Latest = 2,
    New = 3,
    Clock = 4,
}

/// <summary>The choices of a processor that resumes from scratch: replayed ones, and new ones.</summary>
/// <remarks>Implementations are thread-safe.</remarks>
internal interface IChoices
{
    /// <summary>The next stored choice of a chooser; null if there is none left.</summary>
    long? Replay(ChoiceKind kind, int number);

    /// <summary>Adds a new choice, which is stored before any later output.</summary>
    void Add(ChoiceKind kind, int number, long value);
}

/// <summary>The choices of earlier starts, to be replayed in order, separately for each chooser.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ChoiceReplay
{
    /// <summary>The length of a stored choice in bytes: kind, chooser, value.</summary>
    public const int Record = 13;

    private readonly Lock sync = new();
    private readonly Dictionary<(ChoiceKind Kind, int Number), Queue<long>> known = [];
    private readonly Dictionary<(ChoiceKind Kind, string Streams), int> named = [];

    /// <summary>Writes a choice in its stored form.</summary>
    public static void Write(Span<byte> record, ChoiceKind kind, int number, long value)
    {
        record[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(record[1..], number);
        BinaryPrimitives.WriteInt64LittleEndian(record[5..], value);
    }

    /// <summary>Adds stored choices.</summary>
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

    /// <summary>Takes out all choices, in their stored form.</summary>
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

    /// <summary>
    /// Numbers a chooser by its streams and by how many choosers of these streams came before. If a repetition starts such choosers in
    /// another order, they swap their choices.
    /// </summary>
    /// <returns>The number of the chooser.</returns>
    public int NumberOf(ChoiceKind kind, string streams)
    {
        lock (sync)
        {
            int before = named.GetValueOrDefault((kind, streams));
            named[(kind, streams)] = before + 1;
            return (int)StableHash.Of($"{streams} {before}");
        }
    }

    /// <returns>The next choice; null if there is none left.</returns>
    public long? Replay(ChoiceKind kind, int number)
    {
        lock (sync) return known.TryGetValue((kind, number), out Queue<long>? choices) && choices.TryDequeue(out long value) ? value : null;
    }
}
