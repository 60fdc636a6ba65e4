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
    /// <summary>The next choice, if this is a repetition.</summary>
    /// <exception cref="NondeterministicReplayException">Something else was to be chosen then.</exception>
    long? Replay(ChoiceKind kind);

    /// <summary>Something was chosen. It is written down before anything that is put out from now on.</summary>
    void Add(ChoiceKind kind, long value);
}

/// <summary>The choices of an earlier start, in their order, to be made again.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ChoiceReplay(string processor)
{
    /// <summary>The length of a choice that is written down: its kind, and its value.</summary>
    public const int Record = 9;

    private readonly Lock sync = new();
    private readonly Queue<(ChoiceKind Kind, long Value)> known = new();
    private NondeterministicReplayException? difference;

    /// <summary>Adds what was written down.</summary>
    public void Load(ReadOnlySpan<byte> records)
    {
        lock (sync)
            for (; records.Length >= Record; records = records[Record..])
                known.Enqueue(((ChoiceKind)records[0], BinaryPrimitives.ReadInt64LittleEndian(records[1..])));
    }

    /// <summary>Takes everything out, as it was written down.</summary>
    public byte[] TakeAll()
    {
        lock (sync)
        {
            byte[] records = new byte[known.Count * Record];
            for (int at = 0; known.TryDequeue(out var choice); at += Record)
            {
                records[at] = (byte)choice.Kind;
                BinaryPrimitives.WriteInt64LittleEndian(records.AsSpan(at + 1), choice.Value);
            }
            return records;
        }
    }

    /// <returns>Null if there is none left.</returns>
    /// <exception cref="NondeterministicReplayException">Something else was to be chosen then; and ever after.</exception>
    public long? Replay(ChoiceKind kind)
    {
        lock (sync)
        {
            if (difference is not null) throw difference;
            if (!known.TryDequeue(out var choice)) return null;
            if (choice.Kind == kind) return choice.Value;
            throw difference = new NondeterministicReplayException(
                $"The processor {processor} was repeated and did something else than before: it asked for {Text(kind)} where it had asked for {Text(choice.Kind)}.")
            { Processor = processor };
        }
    }

    public void ThrowIfDifferent()
    {
        lock (sync)
            if (difference is not null) throw difference;
    }

    private static string Text(ChoiceKind kind) => kind switch
    {
        ChoiceKind.Merge => "the next value of a merge",
        ChoiceKind.Latest => "the latest value of a stream",
        ChoiceKind.New => "the end of a stream",
        _ => "the time",
    };
}
