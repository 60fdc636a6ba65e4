namespace Sluice.Sqlite;

/// <summary>Validates commits before anything is changed.</summary>
internal static class CommitCheck
{
    public static CommitResult? Void(Session session, StoreCommit commit, StoredPartition partition)
    {
        if (StoreRules.CheckEntries(commit, range => AreOutstanding(partition, range.First, range.Last)) is { } doubtful) return doubtful;
        foreach (CommitOutput output in commit.Outputs)
        {
            StoredStream stream = session.Stream(output.Stream);
            if (StoreRules.CheckOutput(commit, output, stream.Options, stream.End) is { } ended) return ended;
        }
        foreach (ICommitAttachment attachment in commit.Attachments) if (attachment is not SqliteWrites) commit.Refuse(attachment);
        AppendCalls.CheckMarkers(session, commit.Batches);
        foreach (OpenReader reader in commit.Readers) _ = session.Stream(reader.Stream);
        foreach (CursorCommit cursor in commit.Cursors) ReaderCalls.CheckMove(session, cursor);
        foreach (EndStream ending in commit.Ends) _ = session.Stream(ending.Stream);
        return null;
    }

    // An entry is in flight for the first time, or has a row; never both.
    private static bool AreOutstanding(StoredPartition partition, long first, long last)
    {
        long missing = last - first + 1 - partition.FirstTimersIn(first, last);
        return missing == 0 || (missing <= partition.Rows && missing == StoredRows.CountIn(partition, first, last).Count);
    }
}
