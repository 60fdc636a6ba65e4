using Sluice.Engine;

namespace Sluice.Delivery;

// Timers whose effects cannot be committed, and ends of keys that exceed a commit together.
internal sealed partial class EpochCommitter
{
    /// <summary>
    /// Handles effects of timers that cannot be written or exceed a commit. Fewer timers fire together until the timer that caused it is
    /// alone; that timer fires as an item of its own, which may be retried and die. Moved rows by time are not the fault of a timer: they
    /// have a commit of their own first.
    /// </summary>
    /// <returns>Whether fewer timers can fire: then the round runs again.</returns>
    private bool TryFireFewer(Epoch epoch, List<Root> roots, Func<Root, PartFailure> why)
    {
        List<Root> fired = roots.FindAll(static root => root is { Emission: TimerEmission, Failures: null });
        if (epoch.MixesTimers && epoch.Turn is { IsMixed: true }) epoch.MixesTimers = false;
        else if (fired is [{ } only])
        {
            only.Refuse(why(only));
            epoch.TryLeaveOut(only);
        }
        else if (fired.Count > 1) epoch.MaxTimers = fired.Count / 2;
        else if (epoch.Turn is { Moved: > 1 and var moved }) epoch.MaxMoves = moved / 2;
        else return false;
        Undo(epoch, roots);
        core.Epochs!.Repeat(epoch);
        return true;
    }

    /// <summary>Lets fewer keys end together, because their emissions exceed a commit.</summary>
    /// <returns>Whether more than one key had ended: then the round runs again.</returns>
    private bool TryEndFewer(Epoch epoch, List<Root> roots)
    {
        if (!epoch.IsEnding || epoch.EndedKeys < 2) return false;
        epoch.MaxEndingKeys = epoch.EndedKeys / 2;
        Undo(epoch, roots);
        core.Epochs!.Repeat(epoch);
        return true;
    }
}
