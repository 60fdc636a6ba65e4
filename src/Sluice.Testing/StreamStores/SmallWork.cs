using System.Globalization;

namespace Sluice.Testing;

/// <summary>
/// A producer and a consumer of numbers that can be stopped at any call and run again. The consumer sums the numbers, sends them on, fails
/// every third once, and gives up every fifth, which is redriven once. In its first lease it releases the partition and takes it again.
/// At the end, a reader has read the numbers, their stream has ended, and a stream for a while is deleted.
/// </summary>
internal sealed class SmallWork(string name, int count)
{
    private readonly string orders = $"orders {name}";
    private readonly string results = $"results {name}";
    private readonly string scratch = $"scratch {name}";
    private long appended, committed, moved;         // acknowledged: after any kill, the store must have it
    private bool isRedriven, isEnded;
    private GroupId Group => new(orders, "sum");

    public async Task RunAsync(IStreamStore store)
    {
        await store.OpenStreamAsync(orders, new() { Partitions = 1 });
        await store.OpenStreamAsync(results, new() { Partitions = 1 });
        await store.AddGroupAsync(Group);
        ReaderInfo reader = await store.OpenReaderAsync(orders, "watcher");
        Expect.True(reader.Next[0] >= moved, $"acknowledged cursors are there ({moved} was acknowledged, {reader.Next[0]} is known)");
        ProducerState producer = await store.OpenProducerAsync(orders, "numbers");
        Expect.True(producer.Last >= appended,
            $"acknowledged appends are there (number {appended} was acknowledged, {producer.Last} is known)");
        for (long number = producer.Last + 1; number <= count; number += 2)
        {
            EntryBatch pair = Rig.Batch($"{number}", $"{number + 1}");
            AppendResult result = await store.AppendAsync(new(orders, "numbers", producer.Epoch, number, pair));
            pair.Dispose();                          // not if it throws: after a kill inside the call, the store may still read it
            Expect.Equal(AppendStatus.Accepted, result.Status, $"the append of {number}");
            appended = result.Last;
        }

        ReadResult read = await store.ReadAsync(new(orders, 0, reader.Next[0]) { Reader = reader.Name });
        Expect.Equal(true, await store.MoveReaderAsync(new(orders, reader.Name, 0, read.Next)), "moving the reader");
        moved = read.Next;

        await ConsumeAsync(store);
        long[] fresh = [.. (await store.ListDeadAsync(Group)).Where(letter => letter.Root > 0).Select(letter => letter.Number)];
        if (isRedriven) Expect.Equal(0, fresh.Length, "letters whose redrive was acknowledged");
        if (fresh.Length > 0) Expect.Equal(fresh.Length, await store.RedriveAsync(Group, fresh), "redriven letters");
        isRedriven = true;
        await ConsumeAsync(store);

        if (isEnded) Expect.True((await store.FindStreamAsync(orders))!.End is not null, "an acknowledged end is there");
        await store.EndStreamAsync(orders, StreamEnd.Complete);
        isEnded = true;
        await DeleteAsync(store);
    }

    private async Task ConsumeAsync(IStreamStore store)
    {
        AcquireResult taken = await store.AcquireAsync(Group, 0, new("worker"));
        Expect.True(taken.State!.LastCommit >= committed,
            $"acknowledged commits are there (commit {committed} was acknowledged, {taken.State.LastCommit} is known)");
        GroupInfo? group = await store.FindGroupAsync(Group);
        Quarantine? quarantine = await store.AcquireQuarantineAsync(Group, "worker", group!.QuarantineEpoch);
        bool wasReleased = false;
        int leases = 0;
        for (long commit = taken.State.LastCommit + 1; ;)
        {
            Expect.True(++leases <= 20 * count, "no number is leased for ever");
            var lease = new LeaseRequest([taken.Ownership]) { MaxItems = 2 };
            LeaseResult leased = await store.LeaseAsync(lease);
            bool isSuspect = leased.Batches.Count == 0;
            if (isSuspect) leased = await store.LeaseAsync(lease with { Quarantine = quarantine });
            if (leased.Batches.Count == 0) return;
            if (!wasReleased)
            {
                wasReleased = true;
                Expect.Equal(true, await store.ReleaseAsync(taken.Ownership), "the release of the partition");
                taken = await store.AcquireAsync(Group, 0, new("worker"));
                HashSet<long> released = [.. leased.Batches[0].Entries.ToArray().Select(static entry => entry.Sequence)];
                Expect.Equal(isSuspect, taken.State!.Waiting.Any(entry => entry.Status == WaitingStatus.Suspect
                    && released.Contains(entry.Entry.Sequence)), "whether an entry that was released is a suspect");
                continue;
            }
            CommitResult result = await store.CommitAsync(await WorkAsync(store, taken.Ownership, commit,
                leased.Batches[0].Entries.ToArray()));
            Expect.Equal(CommitStatus.Committed, result.Status, $"a commit ({result.Detail})");
            committed = commit++;
        }
    }

    // A kill leaves the stream whole, or none of it. Another start makes it anew.
    private async Task DeleteAsync(IStreamStore store)
    {
        StreamInfo stream = await store.OpenStreamAsync(scratch, new() { Partitions = 1 });
        ProducerState producer = await store.OpenProducerAsync(scratch, "numbers");
        Expect.Equal(stream.Items, producer.Last, "entries of a stream, and the number of its producer");
        if (producer.Last == 0)
        {
            EntryBatch one = Rig.Batch("scratch");
            await store.AppendAsync(new(scratch, "numbers", producer.Epoch, 1, one));
            one.Dispose();                           // not if it throws, as above
        }
        await store.DeleteStreamAsync(scratch);
        Expect.Equal(null, await store.FindStreamAsync(scratch), "a stream that was deleted");
    }

    public async Task CheckAsync(IStreamStore store)
    {
        int[] all = [.. Enumerable.Range(1, count)];
        ReadResult read = await store.ReadAsync(new(results, 0, 1));
        Expect.Same(all.Where(number => number % 5 != 0), read.Entries.ToArray().Select(entry => Number(entry)).Order(), "results");
        Expect.Same(all.Where(number => number % 5 == 0), (await store.ListDeadAsync(Group)).Select(letter => Number(letter.Entry)).Order(),
            "dead letters");
        Expect.Equal(all.Where(number => number % 5 != 0).Sum(), await SumAsync(store), "the sum");
        StreamInfo stream = (await store.FindStreamAsync(orders))!;
        Expect.Equal((0L, 0L), (stream.Groups[0].Outstanding, stream.Items), "outstanding and stored entries");
        Expect.True((await store.ListDeadAsync(Group)).All(static letter => letter.Root < 0), "each letter was redriven");
        Expect.Same([("watcher", count + 1L)], stream.Readers.Select(static reader => (reader.Name, reader.Next[0])), "readers");
        Expect.Equal(StreamEnd.Complete, stream.End, "the end of the stream");
        Expect.Same([orders, results], (await store.ListStreamsAsync()).Where(one => one.EndsWith($" {name}", StringComparison.Ordinal)),
            "streams");
        Expect.Same(Enumerable.Empty<string>(), (await store.CheckAsync()).Problems, "problems that a check finds");
    }

    private async Task<StoreCommit> WorkAsync(IStreamStore store, Ownership owner, long commit, Entry[] entries)
    {
        List<SequenceRange> settled = [];
        List<RetryWrite> deferred = [];
        List<DeadLetterWrite> dead = [];
        var output = new EntryBatch();
        int sum = await SumAsync(store);
        foreach (Entry entry in entries)
        {
            int number = Number(entry);
            if (number % 3 == 0 && entry.Attempt == 1)
            {
                deferred.Add(new(entry.Sequence, 1, TimeSpan.Zero, "work", "each third fails once"));
                continue;
            }
            settled.Add(new(entry.Sequence, entry.Sequence));
            if (number % 5 == 0)
            {
                dead.Add(new(entry.Sequence, "work", "each fifth is given up", entry.Attempt));
                continue;
            }
            output.Add(entry.Payload.Span);
            sum += number;
        }
        StateRow row = new("sum", "", 0, Rig.Bytes($"{sum}"));
        return new(owner, commit) { Settled = settled, Deferred = deferred, Dead = dead, Outputs = [new(results, output)], State = [row] };
    }

    private async Task<int> SumAsync(IStreamStore store)
        => (await store.ReadStateAsync(Group, 0, "sum", [""])).Select(row => int.Parse(row.Value!.Value.Span, CultureInfo.InvariantCulture))
        .SingleOrDefault();

    private static int Number(in Entry entry) => int.Parse(entry.Payload.Span, CultureInfo.InvariantCulture);
}
