namespace Sluice.Sqlite;

public sealed partial class SqliteStreamStore
{
    private const int MaxRedriven = 1000;

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(
        GroupId group, int partition, long? after = null, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => LetterCalls.ListWaiting(session.Partition(group, partition), after, max), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(
        GroupId group, int partition, long after, int max = PartitionState.MaxWaiting, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync<IReadOnlyList<WaitingEntry>>(session => StoredRows.List(session.Partition(group, partition), withPayload: false,
            after, max), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(
        GroupId group, string? node = null, long after = 0, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => LetterCalls.ListDead(session.Group(group), node, after, max), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.Count > MaxRedriven) throw new ArgumentException(
            $"At most {MaxRedriven} dead letters are redriven at once, not {numbers.Count}.", nameof(numbers));
        return CallAsync(session => LetterCalls.Redrive(session.Group(group), numbers), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return CallAsync(session => LetterCalls.Delete(session.Group(group), numbers), cancellation);
    }
}
