namespace Sluice.PostgreSql;

/// <summary>Applies commits: each completely, or not at all. All checks and reads come before the first change.</summary>
internal static class CommitCalls
{
    public static async ValueTask<CommitResult> CommitAsync(Round round, StoreCommit commit)
    {
        OwnedRow? found = await round.PartitionOfAsync(commit.Owner).ConfigureAwait(false);
        if (StoreRules.Fence(commit, found?.Fence) is { } refused) return refused;
        OwnedRow owned = found!;
        await WaitingCalls.LoadAsync(round, owned, [.. commit.Settled,
            .. commit.Deferred.Select(one => new SequenceRange(one.Sequence, one.Sequence)),
            .. commit.Dead.Select(one => new SequenceRange(one.Sequence, one.Sequence))]).ConfigureAwait(false);
        if (await CommitCheck.VoidAsync(round, commit, owned).ConfigureAwait(false) is { } reason) return reason;

        PartRow part = await round.PartAsync(owned.Group.Stream, owned.Number).ConfigureAwait(false);
        Dictionary<long, (Entry Entry, byte[] Body)> entries = await ReadAsync(round, commit, owned, part).ConfigureAwait(false);
        long settledBytes = await BytesAsync(round, commit, owned, part).ConfigureAwait(false);
        Dictionary<long, long> shares = [];
        foreach (RetryWrite deferral in commit.Deferred)
            if (WaitingCalls.Find(round, owned, deferral.Sequence) is null)
                shares[deferral.Sequence] = await WaitingCalls.ShareAsync(round, part, deferral.Sequence).ConfigureAwait(false);
        foreach (CommitOutput output in commit.Outputs)
            await AppendCalls.PrepareAsync(round, round.Stream(output.Stream), output.Entries).ConfigureAwait(false);
        await AppendCalls.PrepareMarkersAsync(round, commit.Batches).ConfigureAwait(false);
        await AttachmentCalls.RunAsync(round, commit).ConfigureAwait(false);

        round.Touched++;
        Settle(round, commit, owned, entries, shares, settledBytes);
        Write(round, commit, owned);
        await WriteStreamsAsync(round, commit, owned).ConfigureAwait(false);
        (owned.LastCommit, owned.CommitEpoch, owned.Version) = (commit.Sequence, commit.Owner.Epoch, owned.OwnerVersion);
        owned.IsChanged = true;
        StreamRow stream = owned.Group.Stream;
        round.Rows.Trims.Add((stream.Id, owned.Number));
        if (commit.GivesEntries || stream.End is not null) round.Changes.AddEntries(stream.Name, owned.Number);
        else round.Changes.AddRoom(stream.Name);
        return new(CommitStatus.Committed);
    }

    // The entries that get a row or a letter, with their stored form.
    private static async ValueTask<Dictionary<long, (Entry, byte[])>> ReadAsync(Round round, StoreCommit commit, OwnedRow owned,
        PartRow part)
    {
        Dictionary<long, (Entry, byte[])> entries = [];
        HashSet<long> fromLog = [], fromRows = [];
        foreach (RetryWrite deferral in commit.Deferred)
            if (WaitingCalls.Find(round, owned, deferral.Sequence) is null) fromLog.Add(deferral.Sequence);
        foreach (DeadLetterWrite letter in commit.Dead)
            if (letter.IsDamaged) entries[letter.Sequence] = (new() { Sequence = letter.Sequence, Time = round.Time }, []);
            else if (WaitingCalls.Find(round, owned, letter.Sequence) is not { } row) fromLog.Add(letter.Sequence);
            else if (row.Body is { } known) entries[letter.Sequence] = Whole(known, letter.Sequence, part);
            else fromRows.Add(letter.Sequence);
        if (fromRows.Count > 0)
            await round.ReadAsync([round.Sql.Command("SELECT seq, body FROM ~waiting WHERE grp = $1 AND part = $2 AND seq = ANY($3)")
                .With(owned.Group.Id).With(owned.Number).With(fromRows.ToArray())],
                (_, row) => entries[row.GetInt64(0)] = Whole(row.Bytes(1), row.GetInt64(0), part)).ConfigureAwait(false);
        var found = await Entries.ReadAsync(round, part, fromLog).ConfigureAwait(false);
        foreach (long sequence in fromLog)
        {
            if (!found.TryGetValue(sequence, out var entry) || entry.Damage is not null)
                throw Stored.EntryMissing(part.Stream.Name, part.Number, sequence, "it is missing, or does not match its checksum");
            entries[sequence] = (entry.Entry, Stored.Block(entry.Entry, entry.Entry.Generation));
        }
        return entries;
    }

    private static (Entry, byte[]) Whole(byte[] body, long sequence, PartRow part)
        => (Stored.Read(body, sequence, part.Stream.Name, part.Number), body);

    private static async ValueTask<long> BytesAsync(Round round, StoreCommit commit, OwnedRow owned, PartRow part)
    {
        long bytes = 0;
        foreach (SequenceRange range in commit.Settled)
        {
            foreach (SequenceRange gap in owned.FirstTimers(range.First, range.Last).ToArray())
                bytes += await Entries.BytesBeforeAsync(round, part, gap.Last + 1).ConfigureAwait(false)
                    - await Entries.BytesBeforeAsync(round, part, gap.First).ConfigureAwait(false);
            if (owned.Rows == 0) continue;
            for (long sequence = range.First; sequence <= range.Last; sequence++)
                bytes += WaitingCalls.Find(round, owned, sequence)?.Share ?? 0;
        }
        return bytes;
    }

    private static void Settle(Round round, StoreCommit commit, OwnedRow owned, Dictionary<long, (Entry Entry, byte[] Body)> entries,
        Dictionary<long, long> shares, long settledBytes)
    {
        GroupRow group = owned.Group;
        foreach (DeadLetterWrite letter in commit.Dead) Bury(round, letter, owned, entries[letter.Sequence].Entry);
        foreach (RetryWrite deferral in commit.Deferred)
        {
            WaitingStatus state = deferral.After is null ? WaitingStatus.Parked : WaitingStatus.Retrying;
            long? due = deferral.After is { } after ? round.Now + after.Ticks : null;
            if (WaitingCalls.Find(round, owned, deferral.Sequence) is { } row)
                row.Defer(state, deferral.Attempts, due, deferral.Node.Storable(), deferral.Error.Storable());
            else WaitingCalls.Insert(round, owned, deferral.Sequence, entries[deferral.Sequence].Body, shares[deferral.Sequence], state,
                deferral.Attempts, due, deferral.Node, deferral.Error);
        }
        bool hasRows = owned.Rows > 0;
        foreach (SequenceRange range in commit.Settled)
        {
            if (hasRows)
                for (long sequence = range.First; sequence <= range.Last; sequence++)
                    WaitingCalls.Find(round, owned, sequence)?.Delete();
            owned.Pass(range.First, range.Last);
            group.Items += range.Count;
        }
        group.Bytes += settledBytes;
        group.IsChanged = true;
        owned.Advance();
        for (int i = 0; i < (commit.Derived?.Count ?? 0); i++)
            WaitingCalls.AddOwn(round, owned, Stored.Block(new(owned.LastOwn - 1, 1, round.Time, round.Generation),
                commit.Derived!.RecordAt(i).Span), commit.Derived.LengthAt(i));
    }

    private static void Bury(Round round, DeadLetterWrite letter, OwnedRow owned, in Entry root)
    {
        GroupRow group = owned.Group;
        Entry dead = root with { Payload = letter.Payload ?? root.Payload, Headers = letter.Headers ?? root.Headers };
        round.Rows.Dead.Add((group.Id, new(++group.LastDead, owned.Number, letter.Sequence, default, letter.Node.Storable(),
            letter.Path.Storable(StorableText.MaxPath), "", letter.Attempts, round.Time)
        { Error = letter.Error.Storable() }, Stored.Block(dead, letter.IsDamaged ? round.Generation : dead.Generation)));
        group.Dead++;
    }

    private static void Write(Round round, StoreCommit commit, OwnedRow owned)
    {
        foreach (StateRow row in commit.State) round.Rows.State[(owned.Group.Id, owned.Number, row.Node, row.Key)] = row;
        if (commit.FileLengths.Count > 0) round.Held.Forget(owned);
        foreach (FileLength file in commit.FileLengths) round.Rows.Files[(owned.Group.Id, owned.Number, file.Name)] = file.Length;
    }

    private static async ValueTask WriteStreamsAsync(Round round, StoreCommit commit, OwnedRow owned)
    {
        foreach (CommitOutput output in commit.Outputs)
        {
            StreamRow to = round.Stream(output.Stream);
            if (output.ReservedItems > 0 || output.ReservedBytes > 0)
                await GiveBackAsync(round, output, to, owned).ConfigureAwait(false);
            AppendCalls.Append(round, to, output.Entries);
        }
        await ReaderCalls.OpenAsync(round, commit.Readers).ConfigureAwait(false);
        foreach (CursorCommit cursor in commit.Cursors) await ReaderCalls.MoveAsync(round, cursor).ConfigureAwait(false);
        AppendCalls.Count(round, commit.Batches);
        foreach (EndStream ending in commit.Ends) StreamCalls.End(round, round.Stream(ending.Stream), ending.End);
    }

    private static async ValueTask GiveBackAsync(Round round, CommitOutput output, StreamRow to, OwnedRow owned)
    {
        await round.SaveAsync().ConfigureAwait(false);
        (long items, long bytes) = (0, 0);
        await round.ReadAsync([round.Sql.Command("SELECT items, bytes FROM ~reserved WHERE grp = $1 AND part = $2 AND stream = $3")
            .With(owned.Group.Id).With(owned.Number).With(to.Id)], (_, row) => (items, bytes) = (row.GetInt64(0), row.GetInt64(1)))
            .ConfigureAwait(false);
        (items, bytes) = (Math.Min(items, output.ReservedItems), Math.Min(bytes, output.ReservedBytes));
        if (items == 0 && bytes == 0) return;
        round.Rows.Reserved.Add((owned, to.Id, -items, -bytes));
        round.Held.Forget(owned);
        (to.ReservedItems, to.ReservedBytes) = (to.ReservedItems - items, to.ReservedBytes - bytes);
        if (items > 0) round.Changes.AddRoom(to.Name);
    }
}
