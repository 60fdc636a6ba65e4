namespace Sluice.Diagnostics;

/// <summary>One line of a stage's log: an item that entered or left the stage.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="IsOutput">Whether the item left the node; otherwise it entered.</param>
/// <param name="Item">The item.</param>
/// <param name="At">The time, by the run's clock.</param>
public readonly record struct ItemLogEntry(string Node, bool IsOutput, object? Item, DateTimeOffset At)
{
    /// <summary>
    /// Formats the line; for example <c>&gt; Geocode: ATL-LAX</c> for an item that enters, <c>&lt;</c> for one that leaves.
    /// </summary>
    public override string ToString() => $"{(IsOutput ? '<' : '>')} {Node}: {ItemText.Of(Item)}";
}
