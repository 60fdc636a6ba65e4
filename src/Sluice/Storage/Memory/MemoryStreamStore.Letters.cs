namespace Sluice;

public sealed partial class MemoryStreamStore
{
    private const int MaxRedriven = 1000;

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(
        GroupId group, int partition, long? after = null, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return Locked<IReadOnlyList<WaitingEntry>>(() => [.. Partition(group, partition).Outstanding(after, max)], cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(
        GroupId group, int partition, long after, int max = PartitionState.MaxWaiting, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return Locked<IReadOnlyList<WaitingEntry>>(
            () => [.. Partition(group, partition).Rows.Values.Where(row => row.Entry.Sequence > after).Take(max)
                .Select(row => row.Show(withPayload: false))], cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(
        GroupId group, string? node = null, long after = 0, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return Locked<IReadOnlyList<StoredDeadLetter>>(() =>
            [.. Group(group).Dead.Values.Where(letter => letter.Number > after && (node is null || letter.Node == node)).Take(max)],
            cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.Count > MaxRedriven) throw new ArgumentException(
            $"At most {MaxRedriven} dead letters are redriven at once, not {numbers.Count}.", nameof(numbers));
        return Locked(() =>
        {
            StoredGroup stored = Group(group);
            DateTimeOffset now = clock.Now;
            int redriven = 0;
            foreach (long number in numbers)
            {
                if (!stored.Dead.Remove(number, out StoredDeadLetter? letter)) continue;
                redriven++;
                Entry entry = letter.Entry with { Generation = generation };
                stored.Partitions[letter.Partition].AddOwn(entry, now);
                stored.Backlog.Add(1, entry.Headers.Length + entry.Payload.Length);
            }
            if (redriven > 0) Stream(group.Stream).Changed();
            return redriven;
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return Locked(() =>
        {
            StoredGroup stored = Group(group);
            int deleted = 0;
            foreach (long number in numbers)
            {
                if (!stored.Dead.Remove(number, out StoredDeadLetter? letter)) continue;
                deleted++;
                Handles?.Free(letter.Entry.Payload.Span);
            }
            return deleted;
        }, cancellation);
    }
}
