namespace Sluice.Delivery;

// Timers whose effects cannot be committed, and ends of keys that exceed a commit together.
internal sealed partial class RoundCommitter
{
    /// <summary>
    /// Handles effects of timers that cannot be written or exceed a commit. Fewer timers fire together until the timer that caused it is
    /// alone; that timer fires as an item of its own, which may be retried and die. Moved rows by time are not the fault of a timer: they
    /// have a commit of their own first.
    /// </summary>
    /// <param name="round">The round.</param>
    /// <param name="roots">Its roots.</param>
    /// <param name="why">The failure of a timer that is alone.</param>
    /// <param name="isTooLarge">Whether the commit was too large: then fewer timers fire in later rounds, too.</param>
    /// <returns>Whether fewer timers can fire: then the round runs again.</returns>
    private bool TryFireFewer(Round round, List<Root> roots, Func<Root, PartFailure> why, bool isTooLarge)
    {
        List<Root> fired = roots.FindAll(static root => root is { Emission: TimerEmission, Failures: null });
        int fewer = isTooLarge && fired.Count > 0 ? round.Partition.Scope!.TimersAtOnce.TooLarge(fired.Count) : fired.Count / 2;
        if (round.MixesTimers && round.Turn is { IsMixed: true }) round.MixesTimers = false;
        else if (fired is [{ } only])
        {
            only.Refuse(why(only));
            round.TryLeaveOut(only);
            round.Partition.Scope!.TimersAtOnce.HaveFoundCause();
        }
        else if (fired.Count > 1) round.MaxTimers = fewer;
        else if (round.Turn is { Moved: > 1 and var moved }) round.MaxMoves = moved / 2;
        else return false;
        Undo(round, roots);
        core.Rounds!.Repeat(round);
        return true;
    }

    /// <summary>Lets fewer keys end together, because their emissions exceed a commit.</summary>
    /// <returns>Whether more than one key had ended: then the round runs again.</returns>
    private bool TryEndFewer(Round round, List<Root> roots)
    {
        if (!round.IsEnding || round.EndedKeys < 2) return false;
        round.MaxEndingKeys = round.Partition.Scope!.EndsAtOnce.TooLarge(round.EndedKeys);
        Undo(round, roots);
        core.Rounds!.Repeat(round);
        return true;
    }
}
