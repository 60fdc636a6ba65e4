namespace Sluice.Redis;

// A partition may have many entries in flight or waiting, so the server is asked in pages.
public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StreamNames.Check(request.Member);
        Arguments arguments = new Arguments().Group(group).Partition(partition).Name(request.Member);
        arguments = request.ExpectedEpoch is { } expected ? arguments.Number(expected) : arguments.Text("");
        arguments.Number(request.Version).Name(request.Instance ?? "").Number(request.KnownEpoch);
        Reply reply = await CallAsync("take", arguments, cancellation, isRepeatable: false).ConfigureAwait(false);
        if (reply[0].Text == "verify")
        {
            await VerifyAsync(group, partition, cancellation).ConfigureAwait(false);
            reply = await CallAsync("take", arguments.Flag(true), cancellation, isRepeatable: false).ConfigureAwait(false);
        }
        if (reply[0].Text != "taken") return new(reply[0].Text == "changed" ? AcquireStatus.Changed : AcquireStatus.Newer, default, null,
            reply[1].Int);

        // The epoch is acquired: no other member changes the partition, and nothing is leased before all entries in flight are suspects.
        var owner = new Ownership(group, partition, reply[2].Long);
        while (reply[6].IsOne)
        {
            reply = await CallAsync("take_more", new Arguments().Owner(owner), cancellation).ConfigureAwait(false);
            if (reply[0].Text != "taken") return new(AcquireStatus.Changed, default, null, reply[1].Int);
        }
        IReadOnlyList<WaitingEntry> waiting = reply[7].Long == 0 ? []
            : await ListHeadsAsync(group, partition, null, PartitionState.MaxWaiting, cancellation).ConfigureAwait(false);
        Dictionary<string, long> files = new(StringComparer.Ordinal);
        if (reply[8].Long > 0) foreach ((string file, (long length, _)) in await ListFilesAsync(group, partition, cancellation)
            .ConfigureAwait(false)) files[file] = length;
        return new(AcquireStatus.Taken, owner, new(reply[3].Long, reply[4].Long, reply[5].Long, waiting, files), reply[1].Int);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
    {
        long released;
        do released = (await CallAsync("release", new Arguments().Owner(owner), cancellation, isRepeatable: false)
            .ConfigureAwait(false)).Long;
        while (released > 1);
        return released == 1;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(
        GroupId group, int partition, long after, int max = PartitionState.MaxWaiting, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return await ListHeadsAsync(group, partition, after, max, cancellation).ConfigureAwait(false);
    }

    // The server chooses the length of its pages.
    private async ValueTask<List<WaitingEntry>> ListHeadsAsync(GroupId group, int partition, long? after, int max,
        CancellationToken cancellation)
    {
        List<WaitingEntry> waiting = [];
        while (waiting.Count < max)
        {
            Arguments arguments = new Arguments().Group(group).Partition(partition);
            arguments = after is { } last ? arguments.Number(last) : arguments.Text("");
            Reply page = await CallAsync("list_heads", arguments, cancellation).ConfigureAwait(false);
            if (page.Count == 0) break;
            waiting.AddRange(page.Items.Take(max - waiting.Count).Select(row => Waiting(row, group.Stream, partition, withPayload: false)));
            after = waiting[^1].Entry.Sequence;
        }
        return waiting;
    }

    // The lengths of files, with their checksums.
    private async ValueTask<Dictionary<string, (long Length, long Sum)>> ListFilesAsync(GroupId group, int partition,
        CancellationToken cancellation)
    {
        Dictionary<string, (long, long)> lengths = new(StringComparer.Ordinal);
        string cursor = "0";
        do
        {
            Reply page = await CallAsync("list_files", new Arguments().Group(group).Partition(partition).Text(cursor), cancellation)
                .ConfigureAwait(false);
            cursor = page[0].Text;
            foreach (Reply file in page[1].Items) lengths[file[0].Text] = (file[1].Long, file[2].Long);
        }
        while (cursor != "0");
        return lengths;
    }

    private static WaitingEntry Waiting(Reply row, string stream, int partition, bool withPayload)
    {
        long sequence = row[0].Long;
        WaitingStatus state = (WaitingStatus)row[6].Int;
        Entry entry = withPayload ? Entries.Read(sequence, row, 1, stream, partition)
            : Entries.ReadHead(sequence, row, 1, stream, partition);
        return new(entry, state, row[7].Int, state == WaitingStatus.Retrying ? row[8].Time : null, row[9].Text, row[10].Text);
    }
}
