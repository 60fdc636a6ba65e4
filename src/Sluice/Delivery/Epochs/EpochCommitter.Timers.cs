namespace Sluice;

// Timers whose effects cannot be committed.
internal sealed partial class EpochCommitter
{
    /// <summary>
    /// What timers have done cannot be written, or is more than a commit holds: fewer of them fire together, until the one is alone that has caused it. That one fires as an item of its own, which may be tried
    /// again, and die.
    /// </summary>
    /// <returns>Whether timers have fired: then their epoch is run again.</returns>
    private static bool TryFireFewer(Epoch epoch, List<Root> roots, Func<Root, PartFailure> why)
    {
        List<Root> fired = roots.FindAll(static root => root is { Emission: TimerEmission, Failures: null });
        if (fired.Count == 0) return false;
        if (fired is [{ } only])
        {
            only.Refuse(why(only));
            epoch.TryLeaveOut(only);
        }
        else epoch.MaxTimers = fired.Count / 2;
        Undo(epoch, roots);
        epoch.Core.Epochs!.Repeat(epoch);
        return true;
    }
}
