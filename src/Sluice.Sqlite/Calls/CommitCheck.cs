namespace Sluice.Sqlite;

/// <summary>Validates commits before anything is changed.</summary>
internal static class CommitCheck
{
    public static CommitResult? Void(Session session, StoreCommit commit, StoredPartition partition)
    {
        if (StoreRules.CheckEntries(commit, range => AreOutstanding(partition, range.First, range.Last)) is { } doubtful) return doubtful;
        if (StoreRules.CheckStreams(commit, Find) is { } ended) return ended;
        foreach (ICommitAttachment attachment in commit.Attachments)
            if (attachment is not SqliteWrites && (attachment as CommitFunctions)?.TransactionType != typeof(SqliteTransaction))
                commit.Refuse(attachment);
        AppendCalls.LoadMarkers(session, commit.Batches);
        foreach (CursorCommit cursor in commit.Cursors) ReaderCalls.CheckMove(session, cursor);
        return null;

        (StreamOptions, StreamEnd?) Find(string name)
        {
            StoredStream stream = session.Stream(name);
            return (stream.Options, stream.End);
        }
    }

    // An entry is in flight for the first time, or has a row; never both.
    private static bool AreOutstanding(StoredPartition partition, long first, long last)
    {
        long missing = last - first + 1 - partition.FirstTimersIn(first, last);
        return missing == 0 || (missing <= partition.Rows && missing == StoredRows.CountIn(partition, first, last).Count);
    }
}
