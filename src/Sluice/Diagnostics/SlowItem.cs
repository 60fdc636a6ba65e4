namespace Sluice.Diagnostics;

/// <summary>One of the items that a node took the longest for (<see cref="NodeSnapshot.Slowest"/>).</summary>
/// <param name="Item">The item as it entered the node, as text: its <c>ToString</c>, at most 200 characters.</param>
/// <param name="Time">The time that it was in the node: the node's code and its awaits, all attempts, without downstream nodes.</param>
/// <param name="At">When it left the node, by the clock of the run.</param>
public sealed record SlowItem(string Item, TimeSpan Time, DateTimeOffset At);
