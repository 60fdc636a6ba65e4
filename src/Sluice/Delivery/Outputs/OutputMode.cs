namespace Sluice;

/// <summary>The behaviour of an output when the stream of its target is full.</summary>
public enum OutputMode
{
    /// <summary>The output never waits. Items in flight end and are committed, so the bound may be overshot by one commit. Then the
    /// consecutor leases no more until there is room. Inside a cycle of consecutors, only senders from outside wait.</summary>
    Asynchronous,

    /// <summary>
    /// The output reserves a place in the target's stream and waits for it; meanwhile the stage takes no next item. An item waits for its
    /// first place only: further outputs overshoot the bound rather than wait while the item holds a place. Items that go through together,
    /// because the consecutor has keys or state, count as one item here. Not allowed inside a cycle.
    /// </summary>
    Blocking,
}
