namespace Sluice;

/// <summary>The timers of the key that a <see cref="TimedStageNode{TIn, TOut, TState}"/> is processing.</summary>
/// <remarks>For use while the node is called. Each key has its own timers, told apart by their names. The clock is the run's
/// (<see cref="RunOptions.Time"/>); in a consecutor, the time of day of the partition.</remarks>
public interface ITimers
{
    /// <summary>Sets a timer of the key, or moves it.</summary>
    /// <param name="after">The time from now until it fires: zero or more, at most 36,500 days.</param>
    /// <param name="name">The name of the timer; in a consecutor, of 1,000 characters at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    /// <exception cref="ArgumentException">In a consecutor: the name cannot be stored.</exception>
    /// <exception cref="InvalidOperationException">In a consecutor: the key already has 1,000 timers.</exception>
    void Set(TimeSpan after, string name = "");

    /// <summary>Cancels a timer of the key: it does not fire.</summary>
    /// <param name="name">The name of the timer.</param>
    /// <returns>Whether it was set.</returns>
    bool Cancel(string name = "");

    /// <summary>Whether a timer of the key is set and has not fired.</summary>
    /// <param name="name">The name of the timer.</param>
    bool IsSet(string name = "");
}
