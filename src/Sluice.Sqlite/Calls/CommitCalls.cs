namespace Sluice.Sqlite;

/// <summary>Applies commits: each completely, or not at all.</summary>
internal static class CommitCalls
{
    public static CommitResult Commit(Session session, StoreCommit commit)
    {
        StoredPartition? partition = GroupCalls.PartitionOf(session, commit.Owner);
        if (StoreRules.Fence(commit, partition?.Fence) is { } refused) return refused;
        if (CommitCheck.Void(session, commit, partition!) is { } reason) return reason;

        // Reads that may find damage, and the user's statements, come before any change: each may fail.
        Dictionary<long, Entry> entries = Read(session, commit, partition!);
        AttachmentCalls.Run(session, commit.Attachments);
        Apply(session, commit, partition!, entries);
        return new(CommitStatus.Committed);
    }

    private static Dictionary<long, Entry> Read(Session session, StoreCommit commit, StoredPartition partition)
    {
        Dictionary<long, Entry> entries = [];
        foreach (DeadLetterWrite letter in commit.Dead)
            entries[letter.Sequence] = letter.IsDamaged
                ? new() { Sequence = letter.Sequence, Generation = session.Generation, Time = session.Now }
                : partition.IsFirstTimer(letter.Sequence) ? partition.Log.Read(letter.Sequence)
                    : StoredRows.Read(partition, letter.Sequence);
        foreach (RetryWrite deferral in commit.Deferred)
            if (partition.IsFirstTimer(deferral.Sequence)) entries[deferral.Sequence] = partition.Log.Read(deferral.Sequence);
        return entries;
    }

    private static void Apply(Session session, StoreCommit commit, StoredPartition partition, Dictionary<long, Entry> entries)
    {
        session.Mark(partition);
        StoredGroup group = partition.Group;
        foreach (DeadLetterWrite letter in commit.Dead) Bury(session, letter, partition, entries[letter.Sequence]);
        foreach (RetryWrite deferral in commit.Deferred) Defer(session, deferral, partition, entries);
        foreach (SequenceRange range in commit.Settled)
        {
            group.Backlog.Items -= range.Count;
            StoredRows.Delete(partition, range.First, range.Last);
            partition.Pass(range.First, range.Last);
        }
        partition.Advance();
        for (int i = 0; i < (commit.Derived?.Count ?? 0); i++)
        {
            EntryChunk.ReadRecord(commit.Derived!.RecordAt(i), new(0, 1, session.Now, session.Generation), 0, group.Stream.Name,
                partition.Number, out Entry entry);
            AddOwn(partition, entry);
        }

        if (commit.State.Count > 0) Store(session, commit.State, partition);
        foreach (FileLength file in commit.FileLengths) Store(session, file, partition);
        foreach (CommitOutput output in commit.Outputs)
        {
            StoredStream to = session.Stream(output.Stream);
            if (session.Living.Reserved.GiveBack(partition, to, output.ReservedItems, output.ReservedBytes))
                session.Changes.AddRoom(to.Name);
            to.Append(output.Entries);
        }
        foreach (OpenReader reader in commit.Readers)
            ReaderCalls.Open(session, session.Stream(reader.Stream), reader.Reader, reader.Options);
        foreach (CursorCommit cursor in commit.Cursors) ReaderCalls.Move(session, cursor);
        if (commit.Batches.Count > 0) BatchCalls.Count(session, commit.Batches);
        foreach (EndStream ending in commit.Ends) StreamCalls.End(session, session.Stream(ending.Stream), ending.End);

        (partition.LastCommit, partition.LastCommitEpoch, partition.Version) = (commit.Sequence, commit.Owner.Epoch,
            partition.OwnerVersion);
        group.Stream.Trim(partition.Number);
        if (commit.GivesEntries || group.Stream.End is not null) session.Changes.AddEntries(group.Stream.Name, partition.Number);
        else session.Changes.AddRoom(group.Stream.Name);
    }

    /// <summary>Adds an entry of the group's own (derived or redriven).</summary>
    public static void AddOwn(StoredPartition partition, in Entry entry)
    {
        partition.Change();
        partition.LastOwn--;
        StoredRows.Insert(partition, entry with { Sequence = partition.LastOwn }, WaitingStatus.Retrying, 0,
            partition.Group.Session.Now.UtcTicks, "", "");
        partition.Group.Backlog.Items++;
    }

    private static void Bury(Session session, DeadLetterWrite letter, StoredPartition partition, in Entry root)
    {
        StoredGroup group = partition.Group;
        session.Mark(group);
        Entry dead = root with { Payload = letter.Payload ?? root.Payload, Headers = letter.Headers ?? root.Headers };
        session.Sql(
            "INSERT INTO sluice_dead(grp, number, part, root, attempts, died, node, path, error, blob) VALUES(?, ?, ?, ?, ?, ?, "
                + "?, ?, ?, ?)")
            .Put(group.Id).Put(++group.LastDead).Put(partition.Number).Put(letter.Sequence).Put(letter.Attempts).Put(session.Now.UtcTicks)
            .Put(letter.Node.Storable()).Put(letter.Path.Storable(StorableText.MaxPath)).Put(letter.Error.Storable())
            .Put(RowBlob.Write(dead)).Run();
        group.AddLetters(1);
    }

    private static void Defer(Session session, RetryWrite deferral, StoredPartition partition, Dictionary<long, Entry> entries)
    {
        WaitingStatus state = deferral.After is null ? WaitingStatus.Parked : WaitingStatus.Retrying;
        long? due = (session.Now + deferral.After)?.UtcTicks;
        // Before the row's checksum is computed: the database would return other texts than it was given.
        (string node, string error) = (deferral.Node.Storable(), deferral.Error.Storable());
        if (partition.IsFirstTimer(deferral.Sequence))
        {
            StoredRows.Insert(partition, entries[deferral.Sequence], state, deferral.Attempts, due, node, error);
            partition.Pass(deferral.Sequence, deferral.Sequence);
        }
        else
        {
            StoredRows.Defer(partition, deferral.Sequence, state, deferral.Attempts, due, node, error);
        }
    }

    // The UPDATE itself shows whether the row is new: the digest needs no extra lookup.
    private static void Store(Session session, IReadOnlyList<StateRow> rows, StoredPartition partition)
    {
        Statement? change = null;
        string? node = null;
        for (int i = 0; i < rows.Count; i++)
        {
            StateRow row = rows[i];
            if (row.Value is not { } value)
            {
                session.Sql("DELETE FROM sluice_state WHERE grp = ? AND part = ? AND node = ? AND key = ?").Put(partition.Group.Id)
                    .Put(partition.Number).Put(row.Node).Put(row.Key).Run();
                if (session.Database.Changes > 0) partition.Digest -= RowSum.Presence(row.Node, row.Key);
                continue;
            }
            long sum = StateCalls.SumOf(partition.Group.Id, partition.Number, row.Node, row.Key, row.Version, value.Span);
            // Mostly many rows of one node: only the differing values are bound again.
            change = change is not null && ReferenceEquals(node, row.Node)
                ? change.PutAgain(3)
                : session.Sql(
                "UPDATE sluice_state SET version = ?5, value = ?6, sum = ?7 WHERE grp = ?1 AND part = ?2 AND node = ?3 AND key = ?4")
                    .Put(partition.Group.Id).Put(partition.Number).Put(node = row.Node);
            change.Put(row.Key).Put(row.Version).Put(value.Span).Put(sum).Run();
            if (session.Database.Changes > 0) continue;
            session.Sql("INSERT INTO sluice_state VALUES(?, ?, ?, ?, ?, ?, ?)").Put(partition.Group.Id).Put(partition.Number).Put(row.Node)
                .Put(row.Key).Put(row.Version).Put(value.Span).Put(sum).Run();
            partition.Digest += RowSum.Presence(row.Node, row.Key);
        }
    }

    private static void Store(Session session, FileLength file, StoredPartition partition)
    {
        session.Sql("DELETE FROM sluice_file WHERE grp = ? AND part = ? AND name = ?").Put(partition.Group.Id).Put(partition.Number)
            .Put(file.Name).Run();
        if (session.Database.Changes > 0) partition.Digest -= RowSum.Presence(file.Name);
        if (file.Length < 0) return;
        session.Sql("INSERT INTO sluice_file VALUES(?, ?, ?, ?, ?)").Put(partition.Group.Id).Put(partition.Number).Put(file.Name)
            .Put(file.Length)
            .Put(SchemaSums.FileSum(partition.Group.Id, partition.Number, file.Name, file.Length)).Run();
        partition.Digest += RowSum.Presence(file.Name);
    }
}
