namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    /// <inheritdoc/>
    /// <remarks>Pages through all entries. Entries appended or trimmed meanwhile may or may not be counted.</remarks>
    public override async ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default)
    {
        long entries = 0;
        List<string> problems = [];
        foreach (string stream in await ListStreamsAsync("", cancellation).ConfigureAwait(false))
        {
            await TryAsync(problems, async () =>
            {
                if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is not { } info) return;
                for (int partition = 0; partition < info.Options.Partitions; partition++)
                {
                    int number = partition;
                    await TryAsync(problems, async () => entries += await CheckAsync(stream, number, problems, cancellation)
                        .ConfigureAwait(false)).ConfigureAwait(false);
                    foreach (GroupBacklog group in info.Groups)
                        await TryAsync(problems, () => VerifyAsync(new(stream, group.Name), number, cancellation)).ConfigureAwait(false);
                }
            }).ConfigureAwait(false);
        }
        return new(entries, problems);
    }

    // Lists the damage, and continues with the next group.
    private static async ValueTask TryAsync(List<string> problems, Func<ValueTask> check)
    {
        try
        {
            await check().ConfigureAwait(false);
        }
        catch (StreamStoreException damage) when (damage.IsPermanent)
        {
            problems.Add(damage.Message);
        }
    }

    private async ValueTask<long> CheckAsync(string stream, int partition, List<string> problems, CancellationToken cancellation)
    {
        long entries = 0;
        for (long next = 1, tail = 1; next <= tail;)
        {
            Arguments arguments = new Arguments().Stream(stream).Partition(partition).Number(next).Number(1024).Number(1 << 20).Text("")
                .Flag(true);
            Reply reply = await CallAsync("read", arguments, cancellation).ConfigureAwait(false);
            (tail, next) = (reply[0].Long, Math.Max(next, reply[1].Long + 1));
            long before = next;
            foreach (Reply piece in reply[3].Items)
            {
                if (piece[4].Bytes.Length > 0) entries += piece[1].Long;
                next = piece[0].Long + piece[1].Long;
                Check(piece, stream, partition, problems);
            }
            if (next != before || next > tail) continue;
            problems.Add(
                $"{stream}/{partition}/{next} and what is behind it up to {tail} is not in the store although it should be. Restore the "
                    + $"store from a backup.");
            break;
        }
        return entries;
    }

    // Continues after a damaged entry, as far as its length can be trusted.
    private static void Check(Reply piece, string stream, int partition, List<string> problems)
    {
        ReadOnlyMemory<byte> records = piece[4].Bytes;
        if (records.IsEmpty)
        {
            problems.Add(Entries.Gone(stream, partition, Entries.GoneIn(piece)));
            return;
        }
        long first = piece[0].Long;
        int count = piece[1].Int;
        var header = new EntryChunkHeader(first, count, piece[2].Time, piece[3].Int);
        for (int i = 0; i < count; i++)
        {
            try
            {
                EntryChunk.ReadRecord(records, header, first + i, stream, partition, out _);
            }
            catch (StreamStoreException damage)
            {
                problems.Add(damage.Message);
            }
            records = records[Entries.LengthOf(records.Span)..];
        }
    }
}
