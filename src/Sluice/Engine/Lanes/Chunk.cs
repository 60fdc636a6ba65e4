using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>A slice of the input of a parallel stage, with its outputs: the unit of work of a lane. Reused.</summary>
internal sealed class Chunk<TIn, TOut>
{
    public List<(TIn Item, Ticket? Ticket)> Inputs { get; } = [];

    public Outbox<TOut> Outputs { get; } = new();

    /// <summary>Whether all inputs have been processed, up to the first that failed.</summary>
    public bool IsDone { get; set; }

    /// <summary>The failure that ended the slice early; thrown behind its outputs, in order.</summary>
    public Exception? Failure { get; set; }

    /// <summary>The waiter of a lane whose slice holds too many outputs; woken when the outputs have been pushed on.</summary>
    public Waiter? Overflow { get; set; }

    /// <summary>The time that the work took, in clock ticks.</summary>
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
