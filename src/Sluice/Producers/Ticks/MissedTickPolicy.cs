namespace Sluice;

/// <summary>What becomes of ticks that passed while nobody fired them: while no process ran, or the pipeline had no time, or because the clock was set forward.</summary>
public enum MissedTickPolicy
{
    /// <summary>They do not fire: after a restart, the next one is the first after now. The one that a run waits for while the clock jumps over it fires once, late. The default.</summary>
    Skip,

    /// <summary>They fire one after the other, in order, before the next one; the latest of them only where <see cref="TickOptions.MaxMissed"/> says so.</summary>
    CatchUp,
}
