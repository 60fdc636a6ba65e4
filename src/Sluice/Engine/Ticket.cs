namespace Sluice;

/// <summary>How a root item ended. The larger one wins where an item had several ends.</summary>
internal enum Outcome
{
    Skipped,
    Completed,
    Failed,
}

/// <summary>
/// What is still outstanding of one root item: of what a source produced, through maps, filters, fan-outs and merges.
/// Settles when nothing is. An operator that holds or combines items settles what it takes in.
/// </summary>
/// <remarks>
/// Thread-safe: several islands may hold parts of one root. A ticket is reused by its <see cref="TicketRing"/> once it
/// has settled; whoever settled the last part must not touch it again.
/// </remarks>
internal sealed class Ticket
{
    private int outstanding;
    private int outcome;

    /// <summary>The number of the root item within its source, from 0.</summary>
    public long Sequence { get; private set; }

    /// <summary>The node of the source.</summary>
    public int Source { get; private init; }

    public bool IsSettled => Volatile.Read(ref outstanding) == 0;

    public Outcome Outcome => (Outcome)Volatile.Read(ref outcome);

    public static Ticket For(int source) => new() { Source = source };

    public void Open(long sequence)
    {
        Sequence = sequence;
        outcome = (int)Outcome.Skipped;
        Volatile.Write(ref outstanding, 1);
    }

    /// <summary>The item has become several: <paramref name="more"/> parts beside the one there was.</summary>
    public void Add(int more) => Interlocked.Add(ref outstanding, more);

    /// <summary>One part has ended.</summary>
    public void Settle(Outcome end)
    {
        int known = Volatile.Read(ref outcome);
        while (known < (int)end)
        {
            int found = Interlocked.CompareExchange(ref outcome, (int)end, known);
            if (found == known) break;
            known = found;
        }
        Interlocked.Decrement(ref outstanding);
    }
}
