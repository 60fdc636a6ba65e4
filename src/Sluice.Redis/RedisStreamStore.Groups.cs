namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(group.Name);
        await CallAsync("add_group", new Arguments().Group(group).Flag(start == StreamStart.New), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default)
    {
        Reply reply = await CallAsync("remove_group", new Arguments().Group(group), cancellation).ConfigureAwait(false);
        await SweepTrashAsync(reply[0], cancellation).ConfigureAwait(false);
        return reply[1].IsOne;
    }

    /// <inheritdoc/>
    public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
    {
        List<Reply> pages = [];
        string cursor = "0";
        for (int told = 0; pages.Count == 0 || told < pages[0][1].Int || cursor.Length > 0; told += pages[^1][2].Count)
        {
            Reply page = await CallAsync("find_group", new Arguments().Group(group).Number(told).Text(cursor), cancellation)
                .ConfigureAwait(false);
            if (page.IsNull) return null;
            if (page[2].Count == 0 && told < page[1].Int) throw page.Unreadable("partitions");
            pages.Add(page);
            cursor = page[7].Text;
        }
        return Infos.Group(pages);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Members whose version of Sluice has no pauses lease as before: upgrade all members first. They share the store otherwise.
    /// </remarks>
    public override async ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default)
        => await CallAsync("pause_group", new Arguments().Group(group).Number(isPaused ? 1 : 0), cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <remarks>Members whose version of Sluice has pauses and no drains are paused. Those without pauses lease as before.</remarks>
    public override async ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default)
        => await CallAsync("pause_group", new Arguments().Group(group).Number(2), cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        Arguments arguments = new Arguments().Group(request.Group).Name(request.Member).Name(request.Instance).Span(request.LeaseDuration);
        arguments = request.Replaces is { } silent ? arguments.Name(silent.Instance).Number(silent.Heartbeats)
            : arguments.Text("").Number(0);
        Reply reply = await CallAsync("beat", arguments, cancellation).ConfigureAwait(false);
        return new(reply[0].IsOne ? HeartbeatStatus.Accepted : HeartbeatStatus.Refused, Infos.Member(request.Member, reply[1]));
    }

    /// <inheritdoc/>
    public override async ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
        => await CallAsync("leave", new Arguments().Group(group).Name(member).Name(instance), cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(items, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 0);
        Arguments arguments = new Arguments().Owner(owner).Name(stream).Number(items).Number(bytes);
        return (await CallAsync("reserve", arguments, cancellation, isRepeatable: false).ConfigureAwait(false)).Text switch
        {
            "reserved" => ReserveStatus.Reserved,
            "full" => ReserveStatus.Full,
            "ended" => ReserveStatus.Ended,
            _ => ReserveStatus.Stale,
        };
    }

    /// <inheritdoc/>
    public override async ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(member);
        long epoch = (await CallAsync("take_quarantine", new Arguments().Group(group).Name(member).Number(expectedEpoch), cancellation,
            isRepeatable: false).ConfigureAwait(false)).Long;
        return epoch == 0 ? null : new Quarantine(group, epoch);
    }

    /// <inheritdoc/>
    public override async ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default)
        => await CallAsync("release_quarantine", new Arguments().Group(quarantine.Group).Number(quarantine.Epoch), cancellation)
        .ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(
        GroupId group, int partition, string node, IReadOnlyList<string> keys, CancellationToken cancellation = default)
    {
        string[] wanted = [.. keys.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        List<StateRow> rows = [];
        foreach (string[] some in wanted.Chunk(1000))
        {
            Arguments arguments = new Arguments().Group(group).Partition(partition).Text(node).Each(some, (inner, key) => inner.Text(key));
            rows.AddRange(Rows(group, partition, node, await CallAsync("read_state", arguments, cancellation).ConfigureAwait(false)));
        }
        return rows;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        Arguments arguments = new Arguments().Group(group).Number(partition).Flag(after is not null).Text(after ?? "").Number(max)
            .Flag(counted);
        Reply reply = await CallAsync("list_state_nodes", arguments, cancellation).ConfigureAwait(false);
        return [.. reply.Items.Select(node => new StateNodeInfo(node[0].Text, counted ? node[1].Long : null))];
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        List<StateRow> rows = [];
        while (rows.Count < max)
        {
            Arguments arguments = new Arguments().Group(group).Partition(partition).Text(node).Flag(after is not null).Text(after ?? "")
                .Number(max - rows.Count);
            StateRow[] page = Rows(group, partition, node, await CallAsync("list_state", arguments, cancellation).ConfigureAwait(false));
            if (page.Length == 0) break;
            rows.AddRange(page);
            after = page[^1].Key;
        }
        return rows;
    }

    private static StateRow[] Rows(GroupId group, int partition, string node, Reply reply)
        => [.. reply.Items.Select(row => StateBytes.Read(node, row[0].Text, row[1].Bytes, group.Stream, partition))];
}
