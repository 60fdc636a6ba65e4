namespace Sluice.Storage;

/// <summary>A dead letter in the store.</summary>
/// <param name="Number">The number in the group, from one, in the order of arrival.</param>
/// <param name="Partition">The partition of its root.</param>
/// <param name="Root">The sequence of its root.</param>
/// <param name="Entry">
/// The entry that failed: payload, headers, key and versions. <see cref="Entry.Sequence"/> is the root's, <see cref="Entry.Time"/> the time
/// when the root was accepted.
/// </param>
/// <param name="Node">The node where it failed.</param>
/// <param name="Path">The path through the graph; empty if unknown.</param>
/// <param name="Error">
/// The reason, as text: type and message. Stores give the text that they were given, and lines with calls at its end become
/// <see cref="Stack"/>.
/// </param>
/// <param name="Attempts">The number of its attempts.</param>
/// <param name="DiedAt">The time of its failure, by the store's clock.</param>
public sealed record StoredDeadLetter(
    long Number, int Partition, long Root, Entry Entry, string Node, string Path, string Error, int Attempts, DateTimeOffset DiedAt)
{
    /// <summary>The reason, as text: type and message.</summary>
    public string Error { get; init; } = FailureText.Divide(Error).Error;

    /// <summary>The calls that led to the failure, the last one first, a line each; empty if they are unknown.</summary>
    public string Stack { get; init; } = FailureText.Divide(Error).Stack;

    /// <summary>Whether the stored entry is damaged itself: the letter has no payload, and cannot be redriven.</summary>
    public bool IsUnreadable { get; init; }
}
