using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>A slice of the input of a parallel stage, with its outputs: the unit of work of a lane. Reused.</summary>
internal sealed class Chunk<TIn, TOut>
{
    private const int Resting = 1, Held = 2;
    private int rest;                                // 0: the lane works

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

    /// <summary>Its place among the slices that lanes have taken.</summary>
    public int Place { get; set; }

    /// <summary>While the lane rests at an item: the item's place.</summary>
    public int At { get; private set; }

    /// <summary>The number of outputs of the items before that one.</summary>
    public long Before { get; private set; }

    /// <summary>How often the watchdog has seen that the lane rests, at this item or others: many short waits are a long one.</summary>
    public int Ticks { get; set; }

    /// <summary>Whether the lane rests, and was not held. Any thread.</summary>
    public bool IsResting => Volatile.Read(ref rest) == Resting;

    /// <summary>Lane: it is about to wait for an item. Most items wait shortly, so the lane tells neither the output nor other
    /// lanes: the watchdog does if it sees the lane here for long.</summary>
    public void Rest(int at, long before)
    {
        (At, Before) = (at, before);
        Interlocked.Exchange(ref rest, Resting);     // a fence: the lane looks next whether the watchdog ticks
    }

    /// <summary>Board, under its lock: holds a lane that rests, so that it takes the lock when it goes on. What is said of the rest stays
    /// until then.</summary>
    public bool TryHold() => Interlocked.CompareExchange(ref rest, Held, Resting) == Resting;

    /// <summary>Lane: it goes on.</summary>
    /// <returns>Whether it was held.</returns>
    public bool EndRest() => Interlocked.Exchange(ref rest, 0) == Held;

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
