namespace Sluice.Sqlite;

internal sealed partial class StoredLog
{
    private (long Sequence, long Sum) lastSum;       // the last result: a commit asks twice

    /// <summary>Returns the bytes of all entries up to a sequence; within a chunk in proportion.</summary>
    /// <remarks>Of a chunk whose row cannot be read, it is the sum before the next chunk: an estimate, which is off by less than what
    /// cannot be read.</remarks>
    public long SumAt(long sequence)
    {
        if (sequence >= Tail) return Total;
        if (sequence <= 0) return 0;
        if (sequence == lastSum.Sequence) return lastSum.Sum;
        if (sequence >= FirstOfMaking) session.Making.Write();
        lastSum = (sequence, FindSumAt(sequence));
        return lastSum.Sum;
    }

    // Behind a row that is not there, or cannot be read, the sum is that before the next chunk.
    private long FindSumAt(long sequence)
    {
        for (bool begins = false; ; begins = true)
        {
            if (session.Recent.Find(Id, sequence) is { } recent)
                return begins ? recent.Chunk.Total - recent.Chunk.Bytes : recent.Chunk.SumAt(sequence);
            if (ReadSums(sequence) is var (first, n, bytes, total))
                return total - bytes + (begins ? 0 : bytes * Math.Min(n, sequence - first + 1) / n);
            sequence = BeforeNext(sequence) + 1;
            if (sequence >= FirstOfMaking) return Total - Making.Bytes;
        }
    }

    private (long First, long N, long Bytes, long Total)? ReadSums(long sequence)
    {
        if (session.Unreadable.AreAny(session.Now) && session.Unreadable.OfChunk(Id, FirstOf(sequence), session.Now) is not null) return null;
        Statement chunk =
            session.Sql("SELECT first, n, bytes, total FROM sluice_chunk WHERE log = ? AND first <= ? ORDER BY first DESC LIMIT 1").Put(Id)
            .Put(sequence);
        try
        {
            if (!chunk.Next()) return null;
        }
        catch (SqliteFailure failure) when (failure.IsCorrupt && !session.IsReadOnly)
        {
            session.Unreadable.AddChunk(Id, FirstOf(sequence), failure, session.Now);
            if (session.IsWriting) throw;
            return null;
        }
        (long, long, long, long) sums = (chunk.Long(0), chunk.Long(1), chunk.Long(2), chunk.Long(3));
        chunk.Reset();
        return sums;
    }
}
