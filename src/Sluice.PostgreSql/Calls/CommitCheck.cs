namespace Sluice.PostgreSql;

/// <summary>Validates commits before anything is changed.</summary>
internal static class CommitCheck
{
    public static async ValueTask<CommitResult?> VoidAsync(Round round, StoreCommit commit, OwnedRow owned)
    {
        if (StoreRules.CheckEntries(commit, range => AreOutstanding(round, owned, range)) is { } doubtful) return doubtful;
        if (StoreRules.CheckStreams(commit, Find) is { } ended) return ended;
        foreach (ICommitAttachment attachment in commit.Attachments)
            if (attachment is not PostgresWrites && (attachment as CommitFunctions)?.TransactionType != typeof(NpgsqlTransaction))
                commit.Refuse(attachment);
        foreach (CursorCommit cursor in commit.Cursors) await ReaderCalls.CheckMoveAsync(round, cursor).ConfigureAwait(false);
        return null;

        (StreamOptions, StreamEnd?) Find(string name)
        {
            StreamRow stream = round.Stream(name);
            return (stream.Options, stream.End);
        }
    }

    // An entry is in flight for the first time, or has a row; never both.
    private static bool AreOutstanding(Round round, OwnedRow owned, SequenceRange range)
    {
        long found = owned.FirstTimers(range.First, range.Last).Sum(static gap => gap.Count);
        if (found == range.Count || owned.Rows == 0) return found == range.Count;
        if (range.Count - found > owned.Rows) return false;
        for (long sequence = range.First; sequence <= range.Last; sequence++)
            if (WaitingCalls.Find(round, owned, sequence) is not null) found++;
        return found == range.Count;
    }
}
