namespace Sluice.Flows;

/// <summary>
/// Whether one start of a processor waits for its slot (<see cref="SupervisorOptions.MaxConcurrency"/>). A service takes on no further runs
/// while as many starts wait as it has slots, so that other services can begin the others.
/// </summary>
/// <remarks>
/// Thread-safe. A start counts only while nothing but a slot keeps it from its function: a start that waits for a value, for its next
/// attempt or for a worker may wait for a run that is not taken on yet.
/// </remarks>
internal sealed class StartTurn
{
    private readonly Lock sync = new();
    private readonly TimeProvider time;
    private readonly StartTurns turns;
    private readonly Action rests;
    private readonly long began;
    private volatile State state = State.Begins;

    /// <param name="time">The clock.</param>
    /// <param name="turns">The starts of the processor, which this one joins while it does not rest.</param>
    /// <param name="rests">Called when it waits for its slot no more.</param>
    public StartTurn(TimeProvider time, StartTurns turns, Action rests)
    {
        (this.time, this.turns, this.rests, began) = (time, turns, rests, time.GetTimestamp());
        turns.Add(this);
    }

    private enum State
    {
        Begins,
        Waits,
        Rests,
    }

    /// <summary>Whether it waits for its slot, or is about to.</summary>
    /// <param name="limit">How long it may take to begin: then it waits for something else, such as a part of the store that is
    /// away.</param>
    public bool IsWaiting(TimeSpan limit) => state switch
    {
        State.Waits => true,
        State.Begins => time.GetElapsedTime(began) < limit,
        _ => false,
    };

    /// <summary>It waits for nothing but its slot.</summary>
    public void Wait()
    {
        lock (sync)
        {
            state = State.Waits;
            turns.Add(this);
        }
    }

    /// <summary>It has its slot, waits for something else, or has ended.</summary>
    public void Rest()
    {
        lock (sync)
        {
            if (state == State.Rests) return;
            state = State.Rests;
            turns.Remove(this);
        }
        rests();
    }
}
