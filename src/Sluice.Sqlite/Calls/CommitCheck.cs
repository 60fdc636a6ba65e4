namespace Sluice.Sqlite;

/// <summary>Everything that can be wrong with a commit is found here, before anything is changed.</summary>
internal static class CommitCheck
{
    public static CommitResult? Void(Session session, StoreCommit commit, StoredPartition partition)
    {
        foreach (SequenceRange range in commit.Settled)
            if (range.First > range.Last) throw new ArgumentException($"A commit of {commit.Owner} settles from {range.First} to {range.Last}.", nameof(commit));
        foreach (Deferral deferral in commit.Deferred)
            if (deferral.Attempts < 0 || deferral.After < TimeSpan.Zero)
                throw new ArgumentException($"A commit of {commit.Owner} defers {deferral.Sequence} with {deferral.Attempts} attempts, by {deferral.After}.", nameof(commit));
        if (NotOutstanding(commit, partition) is { } sequence)
            return new(CommitStatus.NotOutstanding, $"{commit.Owner}: entry {sequence} is not outstanding, or ends twice in this commit; nothing of it was applied");
        foreach (CommitOutput output in commit.Outputs)
        {
            StoredStream stream = session.Stream(output.Stream);
            AppendCalls.CheckLength(stream, output.Entries);
            if (stream.End is not null) return new(CommitStatus.OutputEnded, $"{commit.Owner}: the stream {output.Stream} has ended; nothing was applied");
        }
        AppendCalls.CheckMarkers(session, commit.Batches);
        foreach (ReaderOpening reader in commit.Readers) _ = session.Stream(reader.Stream);
        foreach (CursorMove cursor in commit.Cursors) ReaderCalls.CheckMove(session, cursor);
        foreach (StreamEnding ending in commit.Ends) _ = session.Stream(ending.Stream);
        return null;
    }

    private static long? NotOutstanding(StoreCommit commit, StoredPartition partition)
    {
        SequenceRange[] settled = [.. commit.Settled.OrderBy(range => range.First)];
        for (int i = 1; i < settled.Length; i++) if (settled[i].First <= settled[i - 1].Last) return settled[i].First;
        foreach (SequenceRange range in settled) if (!AreOutstanding(partition, range.First, range.Last)) return range.First;
        HashSet<long> deferred = [];
        foreach (Deferral deferral in commit.Deferred)
            if (!IsOutstanding(deferral.Sequence) || !deferred.Add(deferral.Sequence)
                || Array.Exists(settled, range => range.First <= deferral.Sequence && deferral.Sequence <= range.Last)) return deferral.Sequence;
        foreach (Burial letter in commit.Dead) if (!IsOutstanding(letter.Sequence)) return letter.Sequence;
        return null;

        bool IsOutstanding(long sequence) => AreOutstanding(partition, sequence, sequence);
    }

    // In flight for the first time, or with a row: nothing is both.
    private static bool AreOutstanding(StoredPartition partition, long first, long last)
    {
        long missing = last - first + 1 - partition.FirstTimersIn(first, last);
        return missing == 0 || (missing <= partition.Rows && missing == StoredRows.CountIn(partition, first, last).Count);
    }
}
