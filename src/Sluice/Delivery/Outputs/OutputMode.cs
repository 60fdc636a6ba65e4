namespace Sluice;

/// <summary>What an output does when the consecutor that it leads to has as much before it as its stream may hold.</summary>
public enum OutputMode
{
    /// <summary>
    /// It never waits: what is under way is finished and committed, so the bound may be overshot by one commit. Then nothing more is taken up until there is room. Inside a
    /// cycle of consecutors it is those who send into the cycle that wait.
    /// </summary>
    Asynchronous,

    /// <summary>
    /// It reserves a place in the target's stream before it goes on, and waits for one: the stage does not take up the next item meanwhile. An accepted item waits for its first
    /// place only; what else comes of it overshoots rather than wait for what the item itself holds. Items that go through together, because the consecutor has keys or state, are as one in that. Not inside a cycle.
    /// </summary>
    Blocking,
}
