namespace Sluice.PostgreSql;

/// <summary>
/// The rows of streams as the last rounds of this process have left them, each with the stamp that its round has written. A round that
/// finds the same stamp under the lock of the stream needs to read nothing (optimistic concurrency control, Kung and Robinson 1981).
/// </summary>
/// <remarks>
/// Thread-safe. Locking rule: <c>gate</c> protects everything. A round takes the rows out, so that no other round has them
/// meanwhile. If other processes write to a stream, too, most attempts fail: after each failure, rounds read the stream for a longer time.
/// </remarks>
internal sealed class KnownStreams(TimeProvider time)
{
    /// <summary>How long rows are known without being used; also the time for which the server's clock is.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(10);

    private const int MaxStreams = 256, MaxProducers = 256, MaxPause = 1024, HitsToForgive = 64;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Known> all = new(StringComparer.Ordinal);

    /// <summary>Takes the rows of some streams out; null unless all of them are known and no pause lasts.</summary>
    public List<StreamRow>? Take(IReadOnlyCollection<string> streams, long now)
    {
        List<StreamRow> rows = [];
        lock (gate)
        {
            foreach (string stream in streams)
                if (all.TryGetValue(stream, out Known? known) && known is { Row: { } row, Pause: 0 } && !IsOld(known)
                    && row.IsValidAt(now))
                    rows.Add(row);
                else
                    return null;
            foreach (string stream in streams) all[stream].Row = null;
        }
        return rows;
    }

    /// <summary>Keeps the rows of a stream after a round.</summary>
    public void Keep(StreamRow row, bool wasKnown)
    {
        row.Rest(MaxProducers);
        lock (gate)
        {
            if (!all.TryGetValue(row.Name, out Known? known))
            {
                if (all.Count >= MaxStreams) RemoveOldOnes();
                if (all.Count >= MaxStreams) return;
                all.Add(row.Name, known = new());
            }
            known.Used = time.GetTimestamp();
            (known.Row, known.Stamp) = (row, row.Stamp);
            if (wasKnown && known.Longest > 0 && ++known.Hits % HitsToForgive == 0) known.Longest /= 2;
        }
    }

    /// <summary>A round has read the row of a stream. If it is what was known, there was no need to read it.</summary>
    public void Note(StreamRow read)
    {
        lock (gate)
        {
            if (!all.TryGetValue(read.Name, out Known? known) || known.Pause == 0) return;
            known.Pause = known.Stamp == read.Stamp ? known.Pause - 1 : known.Longest;
        }
    }

    /// <summary>Another process had written to one of these streams.</summary>
    public void Miss(IEnumerable<string> streams)
    {
        lock (gate)
            foreach (string stream in streams)
                if (all.TryGetValue(stream, out Known? known))
                    known.Pause = known.Longest = Math.Min(MaxPause, (known.Longest * 2) + 2);
    }

    /// <summary>Forgets the rows of some streams, or of all: what is stored may be something else.</summary>
    public void Forget(IEnumerable<string>? streams = null)
    {
        lock (gate)
            foreach (string stream in streams ?? [.. all.Keys])
                if (all.TryGetValue(stream, out Known? known)) known.Row = null;
    }

    /// <summary>Frees the rows of streams that were not used for some time. Called now and then.</summary>
    public void RemoveOld()
    {
        lock (gate) RemoveOldOnes();
    }

    private bool IsOld(Known known) => time.GetElapsedTime(known.Used) > MaxAge;

    // Called under the gate.
    private void RemoveOldOnes()
    {
        foreach ((string stream, Known known) in all)
            if (IsOld(known)) all.Remove(stream);
    }

    private sealed class Known
    {
        /// <summary>Null while a round has them, or if they were read for another purpose.</summary>
        public StreamRow? Row { get; set; }
        public long Stamp { get; set; }
        public long Used { get; set; }
        public int Hits { get; set; }

        /// <summary>For how many rounds more the stream is read, though it may be known.</summary>
        public int Pause { get; set; }

        /// <summary>The pause after the last attempt that failed.</summary>
        public int Longest { get; set; }
    }
}
