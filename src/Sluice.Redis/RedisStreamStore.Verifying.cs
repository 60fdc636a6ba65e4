namespace Sluice.Redis;

// Verifies the digest of a partition against its rows, which the server sums in pages.
public sealed partial class RedisStreamStore
{
    private const int MaxTries = 3;                 // others may change the partition meanwhile
    private const long Sums = 1L << 48;

    /// <summary>
    /// Verifies the rows of a partition in a group against the digest of its last commit. A partition that keeps changing is skipped: its
    /// owner verified it when it acquired it.
    /// </summary>
    /// <exception cref="StreamStoreException">They differ, or data is unreadable; the message names stream, partition and key.</exception>
    private async ValueTask VerifyAsync(GroupId group, int partition, CancellationToken cancellation)
    {
        for (int i = 0; i < MaxTries; i++) if (await TryVerifyAsync(group, partition, cancellation).ConfigureAwait(false)) return;
    }

    // False if the partition was changed meanwhile.
    private async ValueTask<bool> TryVerifyAsync(GroupId group, int partition, CancellationToken cancellation)
    {
        (string part, string after, string? digest) = ("e", "", null);
        (long sum, long retrying, long suspects, int pages) = (0, 0, 0, 0);
        Reply page;
        do
        {
            page = await CallAsync("verify", new Arguments().Group(group).Partition(partition).Text(part).Text(after), cancellation)
                .ConfigureAwait(false);
            if (digest is not null && digest != page[0].Text) return false;
            digest = page[0].Text;
            (sum, retrying, suspects) = ((sum + page[1].Long) % Sums, retrying + page[2].Long, suspects + page[3].Long);
            (part, after, pages) = (page[7].Text, page[8].Text, pages + 1);
        }
        while (part.Length > 0);
        if (page[6].Long > 0)
        {
            foreach ((_, long more) in (await ListFilesAsync(group, partition, cancellation).ConfigureAwait(false)).Values) sum =
                (sum + more) % Sums;
            pages++;
        }
        if (pages > 1)
        {
            page = await CallAsync("verify", new Arguments().Group(group).Partition(partition).Text("").Text(""), cancellation)
                .ConfigureAwait(false);
            if (page[0].Text != digest) return false;
        }
        if (retrying != page[4].Long) throw Differs(group, partition,
            "the index of its retries (the key due:…) has other entries than its rows");
        if (suspects != page[5].Long) throw Differs(group, partition,
            "the index of its suspects (the key xs:…) has other entries than its rows");
        if (sum != page[0].Long) throw Differs(group, partition,
            "a row of it is missing, was changed, or is one too many (the keys x:…, st:…, f:… and e:…): what is there does not match the "
                + "digest of its last commit");
        return true;
    }

    private StreamStoreException Differs(GroupId group, int partition, string how)
        => new($"The partition {group}/{partition} at {address} is damaged: {how}. Nothing was changed. Restore a backup; CheckAsync "
        + $"lists all damage.")
        { Stream = group.Stream, Partition = partition, IsPermanent = true };
}
