namespace Sluice;

// Timers whose effects cannot be committed, and ends of keys that are too much together.
internal sealed partial class EpochCommitter
{
    /// <summary>
    /// What timers have done cannot be written, or is more than a commit holds: fewer of them fire together, until the one is alone that has caused it. That one fires as an item of its own, which may be tried
    /// again, and die. Rows by time that have moved are no timer's fault: first those have a commit of their own.
    /// </summary>
    /// <returns>Whether it can be less: then the epoch is run again.</returns>
    private static bool TryFireFewer(Epoch epoch, List<Root> roots, Func<Root, PartFailure> why)
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
        epoch.Core.Epochs!.Repeat(epoch);
        return true;
    }

    /// <summary>The keys that have ended put out more than a commit holds: fewer of them end together.</summary>
    /// <returns>Whether it was more than one key: then the epoch is run again.</returns>
    private static bool TryEndFewer(Epoch epoch, List<Root> roots)
    {
        if (!epoch.IsEnding || epoch.EndedKeys < 2) return false;
        epoch.MaxEndingKeys = epoch.EndedKeys / 2;
        Undo(epoch, roots);
        epoch.Core.Epochs!.Repeat(epoch);
        return true;
    }
}
