namespace Sluice;

/// <summary>
/// What happens to missed ticks: ticks that passed while no process ran, while the pipeline was busy, or because the clock was set forward.
/// </summary>
public enum MissedTickPolicy
{
    /// <summary>
    /// They do not fire: after a restart, the next tick is the first one after now. A tick that a run waits for while the clock jumps over
    /// it fires once, late. The default.
    /// </summary>
    Skip,

    /// <summary>
    /// They fire one after the other, in order, before the next tick; at most the latest <see cref="TickOptions.MaxMissed"/> of them.
    /// </summary>
    CatchUp,
}
