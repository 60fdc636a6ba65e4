namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default)
    {
        StreamNames.Check(group.Name);
        await CallAsync("add_group", new Arguments().Group(group).Flag(start == StreamStart.New), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask RemoveGroupAsync(GroupId group, CancellationToken cancellation = default)
        => await CallAsync("remove_group", new Arguments().Group(group), cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        => await CallAsync("find_group", new Arguments().Group(group), cancellation).ConfigureAwait(false) is { IsNull: false } found ? Infos.Group(found) : null;

    /// <inheritdoc/>
    public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        Arguments arguments = new Arguments().Group(request.Group).Name(request.Member).Name(request.Instance).Span(request.LeaseDuration);
        arguments = request.Replaces is { } silent ? arguments.Name(silent.Instance).Number(silent.Beats) : arguments.Text("").Number(0);
        Reply reply = await CallAsync("beat", arguments, cancellation).ConfigureAwait(false);
        return new(reply[0].IsOne ? HeartbeatStatus.Accepted : HeartbeatStatus.Refused, Infos.Member(request.Member, reply[1].Text));
    }

    /// <inheritdoc/>
    public override async ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
        => await CallAsync("leave", new Arguments().Group(group).Name(member).Name(instance), cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<TakeResult> TakeAsync(GroupId group, int partition, TakeRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StreamNames.Check(request.Member);
        Arguments arguments = new Arguments().Group(group).Number(partition).Name(request.Member);
        arguments = request.ExpectedEpoch is { } expected ? arguments.Number(expected) : arguments.Text("");
        Reply reply = await CallAsync("take", arguments.Number(request.Version).Name(request.Instance ?? ""), cancellation, isRepeatable: false).ConfigureAwait(false);
        int version = reply[1].Int;
        if (reply[0].Text == "changed") return new(TakeStatus.Changed, default, null, version);
        if (reply[0].Text == "newer") return new(TakeStatus.Newer, default, null, version);
        Reply[] files = [.. reply[7].Items];
        var lengths = new Dictionary<string, long>(StringComparer.Ordinal);
        for (int i = 0; i < files.Length; i += 2) lengths.Add(files[i].Text, files[i + 1].Long);
        return new(TakeStatus.Taken, new(group, partition, reply[2].Long),
            new(reply[3].Long, reply[4].Long, reply[5].Long, [.. reply[6].Items.Select(row => Waiting(row, group.Stream, partition, withPayload: false))], lengths), version);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        => (await CallAsync("release", new Arguments().Owner(owner), cancellation, isRepeatable: false).ConfigureAwait(false)).IsOne;

    /// <inheritdoc/>
    public override async ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes, CancellationToken cancellation = default)
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
    public override async ValueTask<Quarantine?> TakeQuarantineAsync(GroupId group, string member, long expectedEpoch, CancellationToken cancellation = default)
    {
        StreamNames.Check(member);
        long epoch = (await CallAsync("take_quarantine", new Arguments().Group(group).Name(member).Number(expectedEpoch), cancellation, isRepeatable: false).ConfigureAwait(false)).Long;
        return epoch == 0 ? null : new Quarantine(group, epoch);
    }

    /// <inheritdoc/>
    public override async ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default)
        => await CallAsync("release_quarantine", new Arguments().Group(quarantine.Group).Number(quarantine.Epoch), cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(
        GroupId group, int partition, string node, IReadOnlyList<string> keys, CancellationToken cancellation = default)
    {
        string[] wanted = [.. keys.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Arguments arguments = new Arguments().Group(group).Number(partition).Text(node).Each(wanted, (inner, key) => inner.Text(key));
        return Rows(node, await CallAsync("read_state", arguments, cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        Arguments arguments = new Arguments().Group(group).Number(partition).Text(node).Flag(after is not null).Text(after ?? "").Number(max);
        return Rows(node, await CallAsync("list_state", arguments, cancellation).ConfigureAwait(false));
    }

    private static StateRow[] Rows(string node, Reply reply) => [.. reply.Items.Select(row => new StateRow(node, row[0].Text, row[1].Int, row[2].Bytes))];

    private static WaitingEntry Waiting(Reply row, string stream, int partition, bool withPayload)
    {
        long sequence = row[0].Long;
        var state = (WaitingState)row[6].Int;
        Entry entry = withPayload ? Entries.Read(sequence, row, 1, stream, partition) : Entries.ReadHead(sequence, row, 1, stream, partition);
        return new(entry, state, row[7].Int, state == WaitingState.Retrying ? row[8].Time : null, row[9].Text, row[10].Text);
    }
}
