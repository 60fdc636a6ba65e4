namespace Sluice;

public sealed partial class MemoryStreamStore
{
    /// <inheritdoc/>
    public override ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default)
    {
        StreamNames.Check(group.Name);
        return Locked(() =>
        {
            StoredStream stream = Stream(group.Stream);
            if (stream.Groups.ContainsKey(group.Name)) return;
            var partitions = new StoredPartition[stream.Logs.Length];
            var added = new StoredGroup(group, groupsMade++, partitions);
            for (int i = 0; i < partitions.Length; i++)
            {
                PartitionLog log = stream.Logs[i];
                long before = start == StreamStart.First ? log.Trimmed : log.Tail;
                partitions[i] = new(i, log, before);
                added.Backlog.Add(log.Tail - before, log.BytesOf(before + 1, log.Tail));
            }
            stream.Groups.Add(group.Name, added);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default) => Locked(() =>
    {
        if (!streams.TryGetValue(group.Stream, out StoredStream? stream) || !stream.Groups.TryGetValue(group.Name, out StoredGroup? stored))
            return false;
        foreach (StoredPartition partition in stored.Partitions) Unreserve(partition);
        stream.Groups.Remove(group.Name);
        for (int i = 0; i < stream.Logs.Length; i++) stream.Trim(i);
        stream.Changed();
        return true;
    }, cancellation);

    /// <inheritdoc/>
    public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        => Locked(() => streams.TryGetValue(group.Stream, out StoredStream? stream)
        && stream.Groups.TryGetValue(group.Name, out StoredGroup? stored) ? stored.Info() : null, cancellation);

    /// <inheritdoc/>
    public override ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default) => Locked(() =>
    {
        StoredGroup stored = Group(group);
        if (isPaused == stored.PausedAt is not null) return;
        stored.PausedAt = isPaused ? clock.Now : null;
        stored.IsDraining = false;
        Stream(group.Stream).Changed();
    }, cancellation);

    /// <inheritdoc/>
    public override ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default) => Locked(() =>
    {
        StoredGroup stored = Group(group);
        if (stored.IsDraining) return;
        (stored.PausedAt, stored.IsDraining) = (clock.Now, true);
        Stream(group.Stream).Changed();
    }, cancellation);

    /// <inheritdoc/>
    public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        return Locked(() =>
        {
            StoredGroup stored = Group(request.Group);
            MemberInfo? present = stored.Members.TryGetValue(request.Member, out MemberInfo holder) ? holder : null;
            if (request.Apply(present) is not { } now) return new HeartbeatResult(HeartbeatStatus.Refused, holder);
            stored.Members[request.Member] = now;
            return new(HeartbeatStatus.Accepted, now);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
        => Locked(() =>
    {
        StoredGroup stored = Group(group);
        if (stored.Members.TryGetValue(member, out MemberInfo holder) && holder.Instance != instance) return;
        stored.Members.Remove(member);
        if (stored.QuarantineOwner == member) stored.QuarantineOwner = null;
        Stream(group.Stream).Changed();
    }, cancellation);

    /// <inheritdoc/>
    public override ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StreamNames.Check(request.Member);
        return Locked(() =>
        {
            StoredPartition stored = Partition(group, partition);
            if (request.ExpectedEpoch is { } expected && expected != stored.Epoch)
                return new(AcquireStatus.Changed, default, null, stored.Version);
            if (stored.Version > request.Version) return new(AcquireStatus.Newer, default, null, stored.Version);
            if (stored.Owner is not null) stored.Suspect(isAlive: request.Instance is not null && request.Instance == stored.OwnerInstance);
            Unreserve(stored);
            stored.Epoch = StoreRules.NextEpoch(stored.Epoch, Group(group).Number, request.KnownEpoch);
            (stored.Owner, stored.OwnerInstance, stored.OwnerVersion) = (request.Member, request.Instance, request.Version);
            Stream(group.Stream).Trim(partition);
            var state = new PartitionState(stored.Dispatched, stored.Done, stored.LastCommit,
                [.. stored.Rows.Values.Take(PartitionState.MaxWaiting).Select(row => row.Show(withPayload: false))],
                new Dictionary<string, long>(stored.FileLengths, StringComparer.Ordinal));
            return new AcquireResult(AcquireStatus.Taken, new(group, partition, stored.Epoch), state, stored.Version);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default) => Locked(() =>
    {
        if (Owned(owner) is not { Owner: not null } partition) return false;
        partition.GiveBack();
        partition.Owner = null;
        Unreserve(partition);
        Stream(owner.Group.Stream).Changed([owner.Partition]);
        return true;
    }, cancellation);

    /// <inheritdoc/>
    public override ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(member);
        return Locked<Quarantine?>(() =>
        {
            StoredGroup stored = Group(group);
            if (stored.QuarantineEpoch != expectedEpoch) return null;
            (stored.QuarantineOwner, stored.QuarantineEpoch) = (member, StoreRules.NextEpoch(expectedEpoch, stored.Number));
            return new Quarantine(group, stored.QuarantineEpoch);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default) => Locked(() =>
    {
        StoredGroup stored = Group(quarantine.Group);
        if (stored.QuarantineEpoch != quarantine.Epoch) return;
        stored.QuarantineOwner = null;
        Stream(quarantine.Group.Stream).Changed();
    }, cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(
        GroupId group, int partition, string node, IReadOnlyList<string> keys, CancellationToken cancellation = default)
        => Locked<IReadOnlyList<StateRow>>(() => Partition(group, partition).State.TryGetValue(node, out var rows)
            ? [.. keys.Distinct(StringComparer.Ordinal).Where(rows.ContainsKey).Order(StringComparer.Ordinal).Select(key => rows[key])]
            : [], cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return Locked<IReadOnlyList<StateRow>>(() => Partition(group, partition).State.TryGetValue(node, out var rows)
            ? [.. rows.Values.Where(row => after is null || string.CompareOrdinal(row.Key, after) > 0).Take(max)]
            : [], cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return Locked<IReadOnlyList<StateNodeInfo>>(
            () => [.. Partition(group, partition).State.Where(node => node.Value.Count > 0
                && (after is null || string.CompareOrdinal(node.Key, after) > 0))
                .OrderBy(static node => node.Key, StringComparer.Ordinal).Take(max)
                .Select(node => new StateNodeInfo(node.Key, counted ? node.Value.Count : null))], cancellation);
    }

    // Null if another member has acquired the partition, or the group is gone.
    private StoredPartition? Owned(Ownership owner)
    {
        if (!streams.TryGetValue(owner.Group.Stream, out StoredStream? stream)
            || !stream.Groups.TryGetValue(owner.Group.Name, out StoredGroup? group)) return null;
        StoredPartition partition = group.Partitions[Checked(owner.Partition, stream)];
        StoreRules.CheckEpoch(owner, partition.Epoch, group.Number);
        return owner.Epoch == partition.Epoch ? partition : null;
    }

    private void Unreserve(StoredPartition partition)
    {
        foreach ((StoredStream stream, Backlog reserved) in partition.Reserved)
        {
            stream.Reserved.Add(-reserved.Items, -reserved.Bytes);
            if (streams.TryGetValue(stream.Name, out StoredStream? present) && present == stream) stream.Changed([]);
        }
        partition.Reserved.Clear();
    }
}
