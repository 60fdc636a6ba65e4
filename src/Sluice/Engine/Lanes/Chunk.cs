namespace Sluice;

/// <summary>Some items on their way through a parallel stage, and what came of them. Reused.</summary>
internal sealed class Chunk<TIn, TOut>
{
    public List<(TIn Item, Ticket? Ticket)> Inputs { get; } = [];

    public Outbox<TOut> Outputs { get; } = new();

    /// <summary>All inputs have been worked on, up to the first that failed.</summary>
    public bool IsDone { get; set; }

    /// <summary>What stopped it: comes out behind the outputs, in order.</summary>
    public Exception? Failure { get; set; }

    /// <summary>It has put out more than may be held; its lane waits here until that has gone on.</summary>
    public Waiter? Overflow { get; set; }

    /// <summary>How long it took, in clock ticks.</summary>
    public long Ticks { get; set; }

    public void Clear()
    {
        Inputs.Clear();
        Outputs.Clear();
        IsDone = false;
        Failure = null;
        Overflow = null;
    }
}
