namespace Sluice.PostgreSql;

/// <summary>
/// One lease in the making. It reads due retries and the next blocks of several partitions in one round trip; it asks again only if that
/// did not fill the request.
/// </summary>
internal sealed class Lease(Round round, LeaseRequest request)
{
    private int items = request.MaxItems;
    private long bytes = request.MaxBytes;
    private bool isFirst = true;

    public List<LeasedBatch> Batches { get; } = [];
    public List<LeaseDamage> Damaged { get; } = [];
    public long? NextDue { get; private set; }

    private bool HasRoom => items > 0 && bytes > 0 && Batches.Count < request.MaxBatches;

    private long Limit => isFirst ? long.MaxValue : bytes;

    public async ValueTask TakeAsync(List<(Ownership Owner, OwnedRow Owned)> owned)
    {
        foreach ((_, OwnedRow one) in owned) await round.PartAsync(one.Group.Stream, one.Number).ConfigureAwait(false);
        if (owned.Exists(static one => one.Owned.Retrying > 0)) await round.SaveAsync().ConfigureAwait(false);
        List<(Ownership Owner, PartitionWork Work)> next = [];
        foreach ((Ownership owner, OwnedRow one) in owned)
        {
            var work = new PartitionWork(one, one.Group.Stream.Parts[one.Number]);
            work.SkipPassed();
            if (work.MayHaveAny) next.Add((owner, work));
        }
        while (next.Count > 0)
        {
            int count = HasRoom ? Plan(next) : next.Count;
            var page = next.GetRange(0, count);
            next.RemoveRange(0, count);
            await ReadAsync(page.ConvertAll(static one => one.Work)).ConfigureAwait(false);
            foreach ((Ownership owner, PartitionWork work) in page)
            {
                if (Take(owner, work)) next.Insert(0, (owner, work));     // what was read did not fill the request
                work.Part.Recent.RemoveThrough(work.Mark);                // makes room for those that are written next
            }
        }
    }

    // How many partitions will fill the request, as far as one can tell before reading.
    private int Plan(List<(Ownership Owner, PartitionWork Work)> next)
    {
        (long wanted, long wantedBytes, int count) = (items, bytes, 0);
        while (count < next.Count && wanted > 0 && wantedBytes > 0)
        {
            PartitionWork work = next[count++].Work;
            long expected = work.Part.StoredTail - work.Mark + work.Owned.Retrying;
            StreamRow stream = work.Part.Stream;
            wanted -= expected;
            wantedBytes -= expected * Math.Max(1, stream.Bytes / Math.Max(1, stream.Items));
        }
        return Math.Max(1, count);
    }

    private async Task ReadAsync(List<PartitionWork> page)
    {
        List<NpgsqlBatchCommand> commands = [];
        List<(PartitionWork Work, int Kind)> kinds = [];
        foreach (PartitionWork work in page)
        {
            if (work.Owned.Retrying > 0 && !work.HasRead)
            {
                if (HasRoom)
                    Add(work, 0, round.Sql.Command("SELECT * FROM (SELECT seq, state, before, alone, attempts, due, share, body, "
                        + "sum(octet_length(body)) OVER (ORDER BY due, abs(seq), seq) - octet_length(body) AS sum FROM (SELECT * FROM "
                        + "~waiting WHERE grp = $1 AND part = $2 AND state = 1 AND due <= $3 ORDER BY due, abs(seq), seq LIMIT $4) a) b "
                        + "WHERE b.sum < $5 ORDER BY due, abs(seq), seq").With(work.Owned.Group.Id).With(work.Owned.Number).With(round.Now)
                        .With((long)items + 1).With(bytes));
                Add(work, 1, round.Sql.Command("SELECT min(due) FROM ~waiting WHERE grp = $1 AND part = $2 AND state = 1 AND due > $3")
                    .With(work.Owned.Group.Id).With(work.Owned.Number).With(round.Now));
                Add(work, 2, round.Sql.Command("SELECT count(*) FROM (SELECT FROM ~waiting WHERE grp = $1 AND part = $2 AND state = 1 "
                    + "AND due <= $3 LIMIT $4) a").With(work.Owned.Group.Id).With(work.Owned.Number).With(round.Now).With((long)items + 1));
            }
            work.HasRead = true;
            work.Chunks.Clear();
            if (HasRoom && work.Mark < work.Part.StoredTail && !TakeRecent(work))
                Add(work, 3, Entries.Blocks(round.Sql, work.Part, work.Mark + 1, items, bytes));
        }
        await round.ReadAsync(commands, (query, row) =>
        {
            (PartitionWork work, int kind) = kinds[query];
            if (kind == 0) work.Due.Enqueue(Know(work.Owned, row));
            else if (kind == 1) Due(row.LongOrNull(0));
            else if (kind == 2) work.DueCount = row.GetInt64(0);
            else work.Chunks.Enqueue(Entries.ReadBlock(round, work.Part, row));
        }).ConfigureAwait(false);

        void Add(PartitionWork work, int kind, NpgsqlBatchCommand command)
        {
            commands.Add(command);
            kinds.Add((work, kind));
        }
    }

    // Blocks that this process has just written need not be read.
    private bool TakeRecent(PartitionWork work)
    {
        work.Part.Recent.RemoveThrough(work.Mark);
        (long next, long itemsLeft, long bytesLeft) = (work.Mark + 1, items, bytes);
        foreach ((ChunkMark mark, byte[] body) in work.Part.Recent)
        {
            if (mark.First > next || itemsLeft <= 0 || bytesLeft <= 0) break;
            work.Chunks.Enqueue(new(mark, body, work.Part.Stream.Name, work.Part.Number));
            round.Marks.Add(work.Part.Stream.Id, work.Part.Number, mark);    // the commit asks for it
            (next, itemsLeft, bytesLeft) = (mark.Last + 1, itemsLeft - (mark.Last + 1 - next), bytesLeft - mark.Bytes);
        }
        return work.Chunks.Count > 0;
    }

    private (WaitingRow Row, byte[] Body) Know(OwnedRow owned, NpgsqlDataReader row)
    {
        round.Rows.Waiting.Remove((owned, row.GetInt64(0)));
        WaitingCalls.Know(round, owned, row);
        return (round.Rows.Waiting[(owned, row.GetInt64(0))], row.Bytes(7));
    }

    /// <returns>Whether there is more to read, and room for it.</returns>
    private bool Take(Ownership owner, PartitionWork work)
    {
        List<Entry> entries = work.Entries;
        if (HasRoom)
        {
            TakeDue(owner, work, entries);
            // Retries come first: new entries follow only if none is left that is due.
            if (work.DueCount == 0) TakeNew(owner, work, entries);
        }
        if (work.DueCount > 0) Due(round.Now);
        if (HasRoom && work is { DueCount: 0, IsBlocked: false } && work.Mark < work.Part.StoredTail) return true;
        if (entries.Count > 0) Batches.Add(new(owner, entries.ToArray()));
        return false;
    }

    private void TakeDue(Ownership owner, PartitionWork work, List<Entry> entries)
    {
        while (items > 0 && bytes > 0 && work.Due.TryPeek(out (WaitingRow Row, byte[] Body) due))
        {
            (Entry entry, string? damage) = Stored.TryRead(due.Body, due.Row.Sequence, work.Part.Stream.Name, work.Part.Number);
            long length = damage is null ? entry.Headers.Length + entry.Payload.Length : 0;
            if (length > Limit) return;
            work.Due.Dequeue();
            work.DueCount--;
            due.Row.Lease(alone: false);
            round.Touched++;
            if (damage is null) entries.Add(entry with { Attempt = due.Row.Attempts + 1 });
            else Damaged.Add(new(owner, new(due.Row.Sequence, due.Row.Sequence), damage)
            { Attempt = due.Row.Attempts + 1, Raw = entry.Payload });
            Spend(length, damage is null);
        }
    }

    private void TakeNew(Ownership owner, PartitionWork work, List<Entry> entries)
    {
        while (items > 0 && bytes > 0 && work.Mark < work.Part.StoredTail)
        {
            while (work.Chunks.TryPeek(out StoredChunk? passed) && passed.Mark.Last <= work.Mark) work.Chunks.Dequeue();
            if (!work.Chunks.TryPeek(out StoredChunk? chunk))
            {
                if (work.WasRead) break;             // more blocks may be there than were read
                TakeMissing(owner, work, work.Part.StoredTail);
                continue;
            }
            work.WasRead = true;
            if (chunk.Mark.First > work.Mark + 1)
            {
                TakeMissing(owner, work, chunk.Mark.First - 1);
                continue;
            }
            (Entry entry, string? damage, ReadOnlyMemory<byte> raw) = chunk.Read(work.Mark + 1);
            long length = damage is null ? entry.Headers.Length + entry.Payload.Length : 0;
            if (length > Limit)
            {
                work.IsBlocked = true;
                break;
            }
            if (damage is null) entries.Add(entry with { Attempt = 1 });
            else Damaged.Add(new(owner, new(work.Mark + 1, work.Mark + 1), damage) { Raw = raw });
            Spend(length, damage is null);
            work.Dispatch(work.Mark + 1);
            round.Touched++;
        }
        work.WasRead = false;
    }

    // A block is missing: its entries count as leased, up to the next block, but not beyond the next entry that has ended.
    private void TakeMissing(Ownership owner, PartitionWork work, long end)
    {
        long first = work.Mark + 1, last = Math.Min(end, first + items - 1);
        foreach (SequenceRange gap in work.Owned.Passed.Gaps(first, last).Take(1)) (first, last) = (gap.First, gap.Last);
        Damaged.Add(new(owner, new(first, last), Stored.EntryMissing(work.Part.Stream.Name, work.Part.Number, first,
            "it is not in the store, although it should be").Message));
        items -= (int)(last - first + 1);
        work.Dispatch(last);
        round.Touched++;
    }

    private void Spend(long length, bool isWhole)
    {
        items--;
        bytes -= length;
        if (isWhole) isFirst = false;
    }

    private void Due(long? at)
    {
        if (at is { } due && (NextDue is null || due < NextDue)) NextDue = due;
    }

    /// <summary>What a lease has read of a partition, and how far it is.</summary>
    private sealed class PartitionWork(OwnedRow owned, PartRow part)
    {
        public OwnedRow Owned => owned;
        public PartRow Part => part;
        public long Mark { get; private set; } = owned.Skip(owned.Dispatched);
        public Queue<(WaitingRow Row, byte[] Body)> Due { get; } = new();
        public long DueCount { get; set; }
        public Queue<StoredChunk> Chunks { get; } = new();
        public List<Entry> Entries { get; } = [];
        public bool HasRead { get; set; }
        public bool WasRead { get; set; }
        public bool IsBlocked { get; set; }
        public bool MayHaveAny => Mark < part.StoredTail || owned.Retrying > 0;

        // After a release, the mark stands before entries that have ended or got a row since.
        public void SkipPassed()
        {
            if (Mark > owned.Dispatched) Dispatch(Mark);
        }

        public void Dispatch(long mark)
        {
            owned.Dispatched = Mark = owned.Skip(mark);
            owned.IsChanged = true;
            owned.Advance();
        }
    }
}
