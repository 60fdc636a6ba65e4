using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>A named output of a consecutor: its target and its counts.</summary>
/// <remarks>Thread-safe. The target is set before the start.</remarks>
internal sealed class OutputState(string name)
{
    private long committed;
    private long discarded;
    private int isTold;

    public string Name => name;

    /// <summary>The target; null if the output leads nowhere.</summary>
    public OutputTarget? Target { get; set; }

    public OutputCounts Counts
    {
        get
        {
            long dropped = Volatile.Read(ref discarded);
            return new(Volatile.Read(ref committed) + dropped, dropped);
        }
    }

    /// <summary>Returns true once, if the output has no target: its consecutor then warns that the items are discarded.</summary>
    public bool MustTell() => Target is null && Volatile.Read(ref isTold) == 0 && Interlocked.Exchange(ref isTold, 1) == 0;

    /// <summary>Counts one item of the output: its commit was applied, or it ended without one.</summary>
    public void Count()
    {
        if (Target is null) Interlocked.Increment(ref discarded);
        else Interlocked.Increment(ref committed);
    }
}

/// <summary>An item of an output, staged on its root until the commit.</summary>
internal sealed class OutputPart(OutputState output, int node, byte[] payload, EntryKey key, byte[] headers) : StagedPart(null),
    IOutputItem
{
    public OutputState Output => output;

    /// <summary>The node that wrote the item.</summary>
    public int Node => node;

    public byte[] Payload => payload;

    public EntryKey Key => key;

    /// <summary>The headers of its entry: the batch and the trace of the item.</summary>
    public byte[] Headers => headers;

    /// <summary>The length of payload and headers.</summary>
    public long Bytes => payload.Length + headers.Length;

    /// <summary>The bytes that the item counts towards <see cref="ConsecutorOptions.MaxOutputBytes"/>.</summary>
    public long Weight => payload.Length + 100;

    public void Stage(Ticket root) => ((Root)root.Whole).Stage(this);

    public void Drop(Ticket root) => ((Root)root.Whole).AddOutput(-Weight);

    /// <summary>Returns how many entries, and how many bytes with headers, a root has for other consecutors.</summary>
    public static (int Items, long Bytes) SizeOf(Root root)
    {
        (int items, long bytes) = (0, 0);
        for (StagedPart? part = root.Staged; part is not null; part = part.Next)
            if (part is OutputPart { Output.Target: not null } output)
                (items, bytes) = (items + 1, bytes + output.Bytes);
        return (items, bytes);
    }
}
