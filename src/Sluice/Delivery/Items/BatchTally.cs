namespace Sluice.Delivery;

/// <summary>Adds up what a commit changes in the counters of batches.</summary>
/// <remarks>Used by the committer.</remarks>
internal sealed class BatchTally
{
    private readonly Dictionary<string, (BatchTag Tag, long Accepted, long Ended, long Failed)> counts = new(StringComparer.Ordinal);

    /// <summary>One more entry belongs to a batch.</summary>
    public void Accept(BatchTag tag) => Add(tag, 1, 0, 0);

    /// <summary>An entry has ended: it is not tried again by itself.</summary>
    /// <param name="tag">The batch of the entry; null if it has none.</param>
    /// <param name="hasFailed">Whether the entry is dead, or was given up.</param>
    public void End(BatchTag? tag, bool hasFailed)
    {
        if (tag is not null) Add(tag, 0, 1, hasFailed ? 1 : 0);
    }

    public IReadOnlyList<BatchChange> Changes
        => counts.Count == 0 ? [] : [.. counts.Values.Select(count => count.Tag.Change() with { Accepted = count.Accepted,
        Ended = count.Ended, Failed = count.Failed })];

    private void Add(BatchTag tag, long accepted, long ended, long failed)
    {
        counts.TryGetValue(tag.Counter, out var known);
        counts[tag.Counter] = (known.Tag?.With(tag.Listeners) ?? tag, known.Accepted + accepted, known.Ended + ended,
            known.Failed + failed);
    }
}
