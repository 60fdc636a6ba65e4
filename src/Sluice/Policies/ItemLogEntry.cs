namespace Sluice;

/// <summary>One line of a stage's log: an item that went in or came out .</summary>
/// <param name="Node">The node's name.</param>
/// <param name="IsOutput">Whether the item came out of the node; otherwise it went in.</param>
/// <param name="Item">The item.</param>
/// <param name="At">When, by the run's clock.</param>
public readonly record struct ItemLogEntry(string Node, bool IsOutput, object? Item, DateTimeOffset At)
{
    /// <summary>For example <c>&gt; Geocode: ATL-LAX</c> for an item that goes in, <c>&lt;</c> for one that comes out.</summary>
    public override string ToString() => $"{(IsOutput ? '<' : '>')} {Node}: {ItemText.Of(Item)}";
}
