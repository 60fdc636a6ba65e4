using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>A slice of the input of a parallel stage, with its outputs: the unit of work of a lane. Reused.</summary>
internal sealed class Chunk<TIn, TOut>
{
    public List<(TIn Item, Ticket? Ticket)> Inputs { get; } = [];

    public Outbox<TOut> Outputs { get; } = new();

    /// <summary>Whether all inputs have been processed, up to the first that failed.</summary>
    public bool IsDone { get; set; }

    /// <summary>The number of outputs that the output may push on before the slice is done. It never goes back.</summary>
    public long Ready { get; set; }

    /// <summary>The number of outputs that were pushed on.</summary>
    public long Emitted { get; set; }

    /// <summary>The number of inputs that have ended, and take no room any more.</summary>
    public int Ended { get; set; }

    /// <summary>The failure that ended the slice early; thrown behind its outputs, in order.</summary>
    public Exception? Failure { get; set; }

    /// <summary>The waiter of a lane whose slice holds too many outputs; woken when the outputs have been pushed on.</summary>
    public Waiter? Overflow { get; set; }

    /// <summary>While the lane waits for an item: the item's place.</summary>
    public int At { get; set; }

    /// <summary>How often the watchdog has seen that the lane waits for that item.</summary>
    public int Ticks { get; set; }

    /// <summary>Whether it is among the slices that the output looks at.</summary>
    public bool IsListed { get; set; }

    /// <summary>The one behind it in that list.</summary>
    public Chunk<TIn, TOut>? Next { get; set; }

    public void Clear()
    {
        Inputs.Clear();
        Outputs.Clear();
        IsDone = false;
        Failure = null;
        Overflow = null;
        Ready = Emitted = 0;
        Ended = 0;
    }
}
