namespace Sluice;

/// <summary>An item, and where to go on behind it.</summary>
/// <param name="Item">The item.</param>
/// <param name="Position">What the producer needs to go on with the next item: an offset, a line number. At most 4 KB; stored with the item.</param>
/// <typeparam name="T">The type of the item.</typeparam>
public readonly record struct WithPosition<T>(T Item, ReadOnlyMemory<byte> Position);
