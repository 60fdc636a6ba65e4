namespace Sluice;

/// <summary>A dead letter, as the store keeps it.</summary>
/// <param name="Number">Its number in the group, from one, in the order in which they came.</param>
/// <param name="Partition">The partition of its root.</param>
/// <param name="Root">The sequence of its root.</param>
/// <param name="Entry">
/// What died: payload, headers, key and versions; <see cref="Entry.Sequence"/> is the root's, <see cref="Entry.Time"/> when the root was accepted.
/// </param>
/// <param name="Node">Where it failed.</param>
/// <param name="Path">The path that led there; empty if not known.</param>
/// <param name="Error">Why.</param>
/// <param name="Attempts">How many attempts it had.</param>
/// <param name="DiedAt">When, by the store's clock.</param>
public sealed record StoredDeadLetter(
    long Number, int Partition, long Root, Entry Entry, string Node, string Path, string Error, int Attempts, DateTimeOffset DiedAt);
