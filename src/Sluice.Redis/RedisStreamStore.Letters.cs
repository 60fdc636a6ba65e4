namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    private const int MaxRedriven = 1000, MaxOfCall = 100;

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(
        GroupId group, int partition, long? after = null, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        List<WaitingEntry> waiting = [];
        while (true)
        {
            Arguments arguments = new Arguments().Group(group).Partition(partition);
            arguments = (after is { } last ? arguments.Number(last) : arguments.Text("")).Number(max - waiting.Count);
            Reply reply = await CallAsync("list_waiting", arguments, cancellation).ConfigureAwait(false);
            List<Entry> fresh = [];
            foreach (Reply piece in reply[1].Items) Entries.AddPiece(fresh, piece, group.Stream, partition, attempt: 0);
            after = reply[2].Text.Length == 0 ? null : reply[2].Long;      // up to where the page is complete
            waiting.AddRange(reply[0].Items.Select(row => Waiting(row, group.Stream, partition, withPayload: true))
                .Concat(fresh.Select(entry => new WaitingEntry(entry, WaitingStatus.InFlight, 0, null, "", "")))
                .Where(entry => after is not { } end || entry.Entry.Sequence <= end)
                .OrderBy(entry => entry.Entry.Sequence).Take(max - waiting.Count));
            if (after is null || waiting.Count >= max) return waiting;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(
        GroupId group, string? node = null, long after = 0, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        List<StoredDeadLetter> letters = [];
        while (letters.Count < max)
        {
            Arguments arguments = new Arguments().Group(group).Flag(node is not null).Text(node ?? "").Number(after)
                .Number(max - letters.Count);
            Reply page = await CallAsync("list_dead", arguments, cancellation).ConfigureAwait(false);
            if (page.Count == 0) break;
            letters.AddRange(page.Items.Select(letter => Letter(letter, group.Stream)));
            after = letters[^1].Number;
        }
        return letters;
    }

    private static StoredDeadLetter Letter(Reply letter, string stream)
    {
        int partition = letter[1].Int;
        long root = letter[2].Long;
        (Entry entry, bool isDamaged) = StoredEntry();
        return new StoredDeadLetter(letter[0].Long, partition, root, entry, letter[3].Text, letter[4].Text, letter[5].Text,
            letter[6].Int, letter[7].Time)
        { IsUnreadable = isDamaged };

        (Entry, bool) StoredEntry()
        {
            try
            {
                return (Entries.Read(root, letter, 8, stream, partition), false);
            }
            catch (StreamStoreException)
            {
                // The letter is shown without its payload, and the others, too.
                return (new() { Sequence = root, Time = letter[8].Time, Generation = letter[9].Int }, true);
            }
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.Count > MaxRedriven) throw new ArgumentException(
            $"At most {MaxRedriven} dead letters are redriven at once, not {numbers.Count}.", nameof(numbers));
        return await CallForEachAsync("redrive", group, numbers, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return await CallForEachAsync("delete_dead", group, numbers, cancellation).ConfigureAwait(false);
    }

    // In pages, so that no call blocks the server for long.
    private async ValueTask<int> CallForEachAsync(string script, GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation)
    {
        int done = 0;
        foreach (long[] some in numbers.Chunk(MaxOfCall))
            done += (await CallAsync(script, new Arguments().Group(group).Each(some, (to, number) => to.Number(number)), cancellation,
                isRepeatable: false).ConfigureAwait(false)).Int;
        return done;
    }
}
