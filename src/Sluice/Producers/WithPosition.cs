namespace Sluice;

/// <summary>An item and the position behind it.</summary>
/// <param name="Item">The item.</param>
/// <param name="Position">The position from which the producer makes the next item, such as an offset or a line number. 1 to 4,000
/// bytes; stored with the item. The source copies it, so the memory may be used again for the next position.</param>
/// <typeparam name="T">The type of the item.</typeparam>
public readonly record struct WithPosition<T>(T Item, ReadOnlyMemory<byte> Position);
