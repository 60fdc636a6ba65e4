namespace Sluice;

public partial interface IStreamStore
{
    /// <summary>Pages through the entries of a partition that were dispatched and have not ended, by sequence, with their payloads.</summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="after">The last sequence of the page before; null for the first page.</param>
    /// <param name="max">The most entries; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(
        GroupId group, int partition, long? after = null, int max = 100, CancellationToken cancellation = default);

    /// <summary>Pages on through what <see cref="PartitionState.Waiting"/> begins with: entries that left the order and have not ended, by sequence, without their payloads.</summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="after">The last sequence of the page before.</param>
    /// <param name="max">The most entries; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(
        GroupId group, int partition, long after, int max = PartitionState.MaxWaiting, CancellationToken cancellation = default);

    /// <summary>Pages through the dead letters of a group, by number.</summary>
    /// <param name="group">The group.</param>
    /// <param name="node">Only those that failed in this node; null for all.</param>
    /// <param name="after">The last number of the page before; zero for the first page.</param>
    /// <param name="max">The most letters; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(
        GroupId group, string? node = null, long after = 0, int max = 100, CancellationToken cancellation = default);

    /// <summary>
    /// Turns dead letters into entries of their group and partition again: with payload, headers, key and versions of the letter, a new negative
    /// sequence and no attempts, to be leased at once. Each letter becomes an entry in one atomic step; a store may take several steps for all of them. Who is the owner does not matter. Their order is given up.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="numbers">The letters, at most 1,000; those that are not there any more are left out.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="ArgumentException">More than 1,000.</exception>
    ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default);

    /// <summary>Deletes dead letters.</summary>
    /// <returns>How many there were.</returns>
    ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default);
}
