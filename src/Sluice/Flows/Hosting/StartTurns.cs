namespace Sluice.Flows;

/// <summary>The starts of a processor that wait for their slot, or are about to.</summary>
/// <remarks>Thread-safe. Starts that rest, of which there may be very many, are not among them.</remarks>
internal sealed class StartTurns
{
    private readonly HashSet<StartTurn> turns = [];          // also the lock

    public void Add(StartTurn turn)
    {
        lock (turns) turns.Add(turn);
    }

    public void Remove(StartTurn turn)
    {
        lock (turns) turns.Remove(turn);
    }

    /// <summary>How many wait for their slot.</summary>
    /// <param name="limit">See <see cref="StartTurn.IsWaiting"/>.</param>
    public int CountWaiting(TimeSpan limit)
    {
        lock (turns) return turns.Count(turn => turn.IsWaiting(limit));
    }
}
