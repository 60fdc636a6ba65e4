namespace Sluice.PostgreSql;

public sealed partial class PostgresStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(group.Name);
        await CallAsync(2, true, needs => needs.Streams.Add(group.Stream), async round =>
        {
            await GroupCalls.AddAsync(round, group, start).ConfigureAwait(false);
            return true;
        }, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default)
        => CallAsync(2, true, needs => needs.Streams.Add(group.Stream), round => GroupCalls.RemoveAsync(round, group), cancellation);

    /// <inheritdoc/>
    public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        => await LookAsync(group.Stream, async round =>
        {
            if (round.FindGroup(group) is not { } found) return null;
            List<MemberInfo> members = [];
            await round.ReadAsync([sql.Command("SELECT name, beats, instance, lease FROM ~member WHERE grp = $1 ORDER BY name")
                .With(found.Id)], (_, row) => members.Add(new(row.GetString(0), row.GetInt64(1), row.GetString(2),
                    TimeSpan.FromTicks(row.GetInt64(3))))).ConfigureAwait(false);
            await RoundLoader.AllOwnedAsync(round, found, cancellation).ConfigureAwait(false);
            return new GroupInfo(members,
                [.. found.Owned.Values.OrderBy(one => one.Number).Select(one => one.Info(found.Stream.Parts[one.Number].Tail))],
                found.QuarantineOwner, found.QuarantineEpoch)
            { PausedAt = found.PausedAt, IsDraining = found.IsDraining };
        }, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default)
        => await CallAsync(2, true, needs => needs.Streams.Add(group.Stream), round =>
        {
            GroupCalls.Pause(round, group, isPaused);
            return new ValueTask<bool>(true);
        }, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default)
        => await CallAsync(2, true, needs => needs.Streams.Add(group.Stream), round =>
        {
            GroupCalls.Drain(round, group);
            return new ValueTask<bool>(true);
        }, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>A heartbeat waits for no other call: it changes the member's row only, in a transaction of its own.</remarks>
    public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        if (disposal.HasBegun) throw DisposedStore.Error(place.Name);
        return await runner.DirectAsync(connection => MemberCalls.BeatAsync(connection, sql, request, cancellation), cancellation)
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
        => await CallAsync(2, true, needs => needs.Streams.Add(group.Stream), async round =>
        {
            await GroupCalls.LeaveAsync(round, group, member, instance).ConfigureAwait(false);
            return true;
        }, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StreamNames.Check(request.Member);
        return CallAsync(2, false, needs => needs.Held(group, partition),
            round => GroupCalls.AcquireAsync(round, group, partition, request), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        => CallAsync(2, false, needs => needs.Held(owner.Group, owner.Partition), round => GroupCalls.ReleaseAsync(round, owner),
            cancellation);

    /// <inheritdoc/>
    public override ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(member);
        return CallAsync(2, false, needs => needs.Streams.Add(group.Stream), round => new ValueTask<Quarantine?>(
            GroupCalls.AcquireQuarantine(round, group, member, expectedEpoch)), cancellation);
    }

    /// <inheritdoc/>
    public override async ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default)
        => await CallAsync(2, true, needs => needs.Streams.Add(quarantine.Group.Stream), round =>
        {
            GroupCalls.ReleaseQuarantine(round, quarantine);
            return new ValueTask<bool>(true);
        }, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node, IReadOnlyList<string> keys,
        CancellationToken cancellation = default)
        => OfPartitionAsync(group, partition, (round, found) => StateCalls.ReadAsync(round, found, partition, node, keys), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return OfPartitionAsync(group, partition,
            (round, found) => StateCalls.ListNodesAsync(round, found, partition, after, max, counted), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node, string? after = null,
        int max = 1000, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return OfPartitionAsync(group, partition, (round, found) => StateCalls.ListAsync(round, found, partition, node, after, max),
            cancellation);
    }

    private ValueTask<T> OfPartitionAsync<T>(GroupId group, int partition, Func<Round, GroupRow, Task<T>> read,
        CancellationToken cancellation)
        => LookAsync(needs => needs.Streams.Add(group.Stream), async round =>
        {
            GroupRow found = round.Group(group);
            found.Stream.Checked(partition);
            return await read(round, found).ConfigureAwait(false);
        }, cancellation);
}
