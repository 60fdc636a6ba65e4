namespace Sluice.Sqlite;

/// <summary>The counters of batches.</summary>
internal static class BatchCalls
{
    /// <summary>Changes counters. A marker for a stream that has failed or is gone is dropped. One that is complete may have consumers at
    /// work.</summary>
    public static void Count(Session session, IReadOnlyList<BatchChange> changes)
    {
        foreach (BatchChange change in changes)
        {
            BatchCounts counts = Find(session, change.Batch).With(change);
            if (!counts.IsComplete)
            {
                session.Sql("INSERT OR REPLACE INTO sluice_batch VALUES(?, ?, ?, ?, ?)")
                    .Put(change.Batch).Put(counts.Accepted).Put(counts.Ended).Put(counts.Failed).Put(counts.IsClosed ? 1 : 0).Run();
                continue;
            }
            session.Sql("DELETE FROM sluice_batch WHERE name = ?").Put(change.Batch).Run();
            using var marker = new EntryBatch();
            marker.Add(counts.ToBytes(), headers: change.MarkerHeaders.Span);
            foreach (string name in change.MarkerStreams)
                if (session.FindStream(name) is { End: null or { Failure: null } } stream) stream.Append(marker);
        }
    }

    private static BatchCounts Find(Session session, string name)
    {
        Statement row = session.Sql("SELECT accepted, ended, failed, closed FROM sluice_batch WHERE name = ?").Put(name);
        if (!row.Next()) return default;
        var counts = new BatchCounts(row.Long(0), row.Long(1), row.Long(2), row.Int(3) != 0);
        row.Reset();
        return counts;
    }
}
