using Sluice.Pipelines;

namespace Sluice.Producers;

/// <summary>The pump of a sequence that resumes by counting.</summary>
internal sealed class CountedPump<T>(StageContext context, Inlet<T> next, string name, IEnumerable<T> items)
    : SequencePump<T>(context, next), IResumablePump
{
    private const int PositionBytes = sizeof(long), WithSum = PositionBytes + sizeof(uint);

    private long start;
    private long? sent;

    public string Name => name;

    public string Kind => "Source.Resumable(name, sequence)";

    public override long? SentBefore => sent;

    public uint? AcceptedSum { get; private set; }

    // A position is stored with an item that was accepted, at least in part: the one at the position.
    public void Resume(ReadOnlyMemory<byte> position, long parts)
    {
        if (position.IsEmpty) return;
        start = BinaryPrimitives.ReadInt64LittleEndian(position.Span);
        sent = start + 1;
        if (position.Length >= WithSum) AcceptedSum = BinaryPrimitives.ReadUInt32LittleEndian(position.Span[PositionBytes..]);
    }

    public ReadOnlyMemory<byte> PositionBefore(long sequence)
    {
        var bytes = new byte[PositionBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, start + sequence);
        return bytes;
    }

    public ReadOnlyMemory<byte> PositionWith(long sequence, uint sum)
    {
        var bytes = new byte[WithSum];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, start + sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(PositionBytes), sum);
        return bytes;
    }

    // LINQ skips an int at most.
    protected override IEnumerator<T> Open()
    {
        IEnumerable<T> rest = items;
        for (long left = start; left > 0; left -= int.MaxValue) rest = rest.Skip((int)Math.Min(left, int.MaxValue));
        return rest.GetEnumerator();
    }

    protected override void OnEnd()
    {
        if (Context.Out == 0 && sent is { } before) throw Failure(Shorter(before));
    }

    private InvalidDataException Shorter(long before)
    {
        string length = items.TryGetNonEnumeratedCount(out int count) ? $"has {count:N0} item{(count == 1 ? "" : "s")}" : "is shorter";
        return new($"The sequence of the producer '{name}' {length}, and earlier runs have sent {before:N0} items under this name. The "
            + $"producer skips as many items as it has sent: the sequence must be the same at every start, and may only grow at its "
            + $"end. For other items, give the producer another name, or use SendAsync.");
    }
}
