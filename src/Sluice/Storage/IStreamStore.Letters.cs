namespace Sluice.Storage;

public partial interface IStreamStore
{
    /// <summary>Pages through the dispatched entries of a partition that have not ended, by sequence, with their payloads.</summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="after">The last sequence of the previous page; null for the first page.</param>
    /// <param name="max">The maximum number of entries; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(
        GroupId group, int partition, long? after = null, int max = 100, CancellationToken cancellation = default);

    /// <summary>
    /// Continues <see cref="PartitionState.Waiting"/>: pages through the entries that left the order and have not ended, by sequence,
    /// without payloads.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="after">The last sequence of the previous page.</param>
    /// <param name="max">The maximum number of entries; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(
        GroupId group, int partition, long after, int max = PartitionState.MaxWaiting, CancellationToken cancellation = default);

    /// <summary>Pages through the dead letters of a group, by number. A letter whose stored entry is damaged has no payload: what it says
    /// of its failure is whole.</summary>
    /// <param name="group">The group.</param>
    /// <param name="node">Only letters of entries that failed in this node; null for all.</param>
    /// <param name="after">The last number of the previous page; zero for the first page.</param>
    /// <param name="max">The maximum number of letters; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(
        GroupId group, string? node = null, long after = 0, int max = 100, CancellationToken cancellation = default);

    /// <summary>
    /// Turns dead letters into entries of their group and partition again. Such an entry keeps the letter's payload, headers, key and
    /// versions, gets a new negative sequence and no attempts, and can be leased at once. The letters lose their order. Any caller may do
    /// this, owner or not.
    /// </summary>
    /// <remarks>
    /// Each letter becomes an entry in one atomic step; a store may take several steps for all of them. Leave out letters that are
    /// <see cref="StoredDeadLetter.IsUnreadable"/>. For such a letter, a store throws a permanent <see cref="StreamStoreException"/> and
    /// keeps the letter, or makes an entry that is damaged, too (<see cref="LeaseDamage"/>). It never makes one with another payload.
    /// </remarks>
    /// <param name="group">The group.</param>
    /// <param name="numbers">The numbers of at most 1,000 letters; missing ones are skipped.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The number of letters that existed.</returns>
    /// <exception cref="ArgumentException">There are more than 1,000 numbers.</exception>
    ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default);

    /// <summary>Deletes dead letters by number; missing ones are skipped.</summary>
    /// <returns>The number of letters that existed.</returns>
    ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default);
}
