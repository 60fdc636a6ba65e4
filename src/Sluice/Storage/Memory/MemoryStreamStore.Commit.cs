namespace Sluice;

public sealed partial class MemoryStreamStore
{
    /// <inheritdoc/>
    public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(commit);
        commit.Check();
        return Locked(() => Commit(commit), cancellation);
    }

    private CommitResult Commit(StoreCommit commit)
    {
        StoredPartition? partition = PartitionOf(commit.Owner);
        if (StoreRules.Fence(commit, partition?.Fence) is { } refused) return refused;
        if (Void(commit, partition!) is { } reason) return reason;

        Apply(commit, partition!);
        return new(CommitStatus.Committed);
    }

    // All validation is here: Apply cannot fail.
    private CommitResult? Void(StoreCommit commit, StoredPartition partition)
    {
        if (StoreRules.CheckEntries(commit, partition.AreOutstanding) is { } doubtful) return doubtful;
        if (StoreRules.CheckStreams(commit, Find) is { } ended) return ended;
        foreach (ICommitAttachment attachment in commit.Attachments) commit.Refuse(attachment);
        foreach (CursorCommit cursor in commit.Cursors) CheckMove(cursor);
        return null;

        (StreamOptions, StreamEnd?) Find(string name)
        {
            StoredStream stream = Stream(name);
            return (stream.Options, stream.End);
        }
    }

    private void Apply(StoreCommit commit, StoredPartition partition)
    {
        DateTimeOffset now = clock.Now;
        StoredStream stream = Stream(commit.Owner.Group.Stream);
        StoredGroup group = Group(commit.Owner.Group);
        foreach (DeadLetterWrite letter in commit.Dead) Bury(letter, group, partition, commit.Owner.Partition, now);
        foreach (RetryWrite deferral in commit.Deferred) partition.Defer(deferral, now);
        foreach (SequenceRange range in commit.Settled)
        {
            if (Handles is not null) Free(partition, range);
            group.Backlog.Add(-range.Count, -partition.End(range));
        }
        if (commit.Derived is { } derived)
            for (int i = 0; i < derived.Count; i++)
            {
                EntryChunk.ReadRecord(derived.RecordAt(i), new(0, 1, now, generation), 0, stream.Name, commit.Owner.Partition,
                    out Entry entry);
                partition.AddOwn(entry, now);
                group.Backlog.Add(1, derived.LengthAt(i));
            }

        foreach (StateRow row in commit.State) Store(row, partition);
        foreach (FileLength file in commit.FileLengths)
            if (file.Length < 0) partition.FileLengths.Remove(file.Name);
            else partition.FileLengths[file.Name] = file.Length;

        foreach (CommitOutput output in commit.Outputs)
        {
            StoredStream to = Stream(output.Stream);
            GiveBack(output, to, partition);
            to.Append(output.Entries, now, generation);
        }
        foreach (OpenReader reader in commit.Readers) Open(Stream(reader.Stream), reader.Reader, reader.Options, now);
        foreach (CursorCommit cursor in commit.Cursors) Move(cursor, now);
        Count(commit.Batches, now);
        foreach (EndStream ending in commit.Ends) End(Stream(ending.Stream), ending.End);

        (partition.LastCommit, partition.LastCommitEpoch, partition.Version) = (commit.Sequence, commit.Owner.Epoch,
            partition.OwnerVersion);
        stream.Trim(commit.Owner.Partition);
        stream.Changed(commit.GivesEntries || stream.End is not null ? [commit.Owner.Partition] : []);
    }

    private void Free(StoredPartition partition, SequenceRange range)
    {
        for (long sequence = range.First; sequence <= range.Last; sequence++) Handles!.Free(partition.Read(sequence).Payload.Span);
    }

    private void Bury(DeadLetterWrite letter, StoredGroup group, StoredPartition partition, int number, DateTimeOffset now)
    {
        Entry root = letter.IsDamaged ? new() { Sequence = letter.Sequence, Time = now } : partition.Read(letter.Sequence);
        if (letter.Payload is null) Handles?.Hold(root.Payload.Span);
        Entry dead = StoredPartition.Copy(root with { Payload = letter.Payload ?? root.Payload, Headers = letter.Headers ?? root.Headers });
        group.Dead.Add(++group.LastDead, new(group.LastDead, number, letter.Sequence, dead, letter.Node, letter.Path,
            letter.Error.Storable(), letter.Attempts, now));
    }

    private static void Store(StateRow row, StoredPartition partition)
    {
        if (!partition.State.TryGetValue(row.Node, out var rows)) partition.State.Add(row.Node, rows = new(StringComparer.Ordinal));
        if (row.Value is { } value) rows[row.Key] = row with { Value = value.ToArray() };
        else rows.Remove(row.Key);
    }

    private static void GiveBack(CommitOutput output, StoredStream to, StoredPartition partition)
    {
        if (!partition.Reserved.TryGetValue(to, out Backlog reserved)) return;
        long items = Math.Min(reserved.Items, output.ReservedItems);
        long bytes = Math.Min(reserved.Bytes, output.ReservedBytes);
        reserved.Add(-items, -bytes);
        to.Reserved.Add(-items, -bytes);
        if (reserved is { Items: 0, Bytes: 0 }) partition.Reserved.Remove(to);
        else partition.Reserved[to] = reserved;
        if (items > 0) to.Changed([]);
    }

    private StoredPartition? PartitionOf(Ownership owner)
    {
        _ = Owned(owner);                            // throws if the store was rolled back
        return streams.TryGetValue(owner.Group.Stream, out StoredStream? stream)
            && stream.Groups.TryGetValue(owner.Group.Name, out StoredGroup? group)
            ? group.Partitions[Checked(owner.Partition, stream)]
            : null;
    }
}
