namespace Sluice;

/// <summary>How a reader is opened.</summary>
public sealed record ReaderOptions
{
    /// <summary>Where it begins.</summary>
    public StreamStart Start { get; init; }

    /// <summary>
    /// Null for a reader that stays until it is closed. Otherwise it is closed by the store when nobody has used its name for this long, so that
    /// a reader that died does not hold the stream.
    /// </summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>
    /// Whether what it has before it counts for the stream's bound. A reader that does not gate keeps entries in the store all the same: watch
    /// <see cref="StreamInfo.Items"/>.
    /// </summary>
    public bool AppliesBackpressure { get; init; } = true;
}

/// <summary>A reader at a moment.</summary>
/// <param name="Name">The reader's name; unique in the stream.</param>
/// <param name="Options">How it was opened.</param>
/// <param name="Next">For each partition the sequence that it has not read yet.</param>
/// <param name="Backlog">How many entries it has before it.</param>
public sealed record ReaderInfo(string Name, ReaderOptions Options, IReadOnlyList<long> Next, long Backlog);

/// <summary>Asks for entries of a partition. Reading changes nothing, except that it keeps a named reader alive.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="From">The first sequence that is wanted; from one.</param>
public sealed record ReadRequest(string Stream, int Partition, long From)
{
    /// <summary>The most entries; at least one.</summary>
    public int MaxItems { get; init; } = 1024;

    /// <summary>The most bytes of payloads and headers; a first entry is given whatever its length.</summary>
    public long MaxBytes { get; init; } = 1 << 20;

    /// <summary>Who reads; null for somebody without a cursor, for whom nothing is kept.</summary>
    public string? Reader { get; init; }

    /// <summary>Reads what a store has, as far as was asked for.</summary>
    /// <param name="tail">The sequence of the last entry that the store has ever had in the partition; zero if there was none.</param>
    /// <param name="trimmed">Everything up to here may be gone.</param>
    /// <param name="end">How the stream has ended; null if it has not.</param>
    /// <param name="read">Reads an entry.</param>
    /// <exception cref="StoreRolledBackException">It was to be read from behind the next entry.</exception>
    public ReadResult Read(long tail, long trimmed, StreamEnd? end, Func<long, Entry> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        if (From > tail + 1)
            throw new StoreRolledBackException(
                $"{Stream}/{Partition} was to be read from {From}, but its last entry is {tail}: the store has lost writes, or nobody has read that far.")
            { Stream = Stream, Partition = Partition, Sequence = From };
        long next = Math.Max(From, trimmed + 1);
        long missed = next - From;
        List<Entry> entries = [];
        for (long bytes = MaxBytes; next <= tail && entries.Count < MaxItems; next++)
        {
            Entry entry = read(next);
            bytes -= entry.Headers.Length + entry.Payload.Length;
            if (bytes < 0 && entries.Count > 0) break;
            entries.Add(entry);
        }
        return new(entries.ToArray(), next, missed, next > tail ? end : null);
    }
}

/// <summary>Entries of a partition.</summary>
/// <param name="Entries">By sequence; without gaps, except for what was trimmed.</param>
/// <param name="Next">Where to read on.</param>
/// <param name="Missed">How many of the wanted entries are not in the store any more; zero for open readers.</param>
/// <param name="End">How the stream ended, once everything in this partition is read; null while there may be more.</param>
public sealed record ReadResult(ReadOnlyMemory<Entry> Entries, long Next, long Missed, StreamEnd? End);

/// <summary>What an integrity check has found.</summary>
/// <param name="Entries">How many entries were read and compared with their checksums.</param>
/// <param name="Problems">What is wrong, one sentence each, with stream and entry; empty if nothing is.</param>
public sealed record IntegrityReport(long Entries, IReadOnlyList<string> Problems);
