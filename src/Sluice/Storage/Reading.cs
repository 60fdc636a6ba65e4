namespace Sluice.Storage;

/// <summary>The options of a reader.</summary>
public sealed record ReaderOptions
{
    private static readonly TimeSpan MaxIdleTimeout = TimeSpan.FromDays(36_500);

    /// <summary>The position where the reader begins.</summary>
    public StreamStart Start { get; init; }

    /// <summary>
    /// The time without use after which the store closes the reader, so that a dead reader does not hold the stream. Null keeps the reader
    /// open until it is closed. More than zero, at most 36,500 days.
    /// </summary>
    /// <remarks>The time counts while the store is open, or where its server runs. A store of one process that is opened counts from
    /// zero.</remarks>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>
    /// Whether the reader's backlog counts against the stream's bounds. A reader without backpressure still keeps entries in the store:
    /// watch <see cref="StreamInfo.Items"/>.
    /// </summary>
    public bool AppliesBackpressure { get; init; } = true;

    /// <summary>Validates everything that needs no store. Stores call it first, but not for readers that they have stored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The idle timeout is out of its range.</exception>
    public void Check()
    {
        if (IdleTimeout is { } idle && (idle <= TimeSpan.Zero || idle > MaxIdleTimeout))
            throw new ArgumentOutOfRangeException($"{nameof(ReaderOptions)}.{nameof(IdleTimeout)}", idle,
                $"A reader expires after more than zero and at most {MaxIdleTimeout.TotalDays:N0} days without use; null keeps it open.");
    }
}

/// <summary>A snapshot of a reader.</summary>
/// <param name="Name">The reader's name; unique in the stream.</param>
/// <param name="Options">The options it was opened with.</param>
/// <param name="Next">The next sequence to read, for each partition.</param>
/// <param name="Backlog">The number of entries that it has not passed.</param>
public sealed record ReaderInfo(string Name, ReaderOptions Options, IReadOnlyList<long> Next, long Backlog);

/// <summary>A request to read entries of a partition. Reading changes nothing, but keeps a named reader from expiring.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="From">The first sequence to read; from one.</param>
public sealed record ReadRequest(string Stream, int Partition, long From)
{
    /// <summary>The maximum number of entries; at least one.</summary>
    public int MaxItems { get; init; } = 1024;

    /// <summary>The maximum size of payloads and headers in bytes. The first entry may be longer.</summary>
    public long MaxBytes { get; init; } = 1 << 20;

    /// <summary>The name of the reader; null reads without a cursor, so that the store keeps no entries for it.</summary>
    public string? Reader { get; init; }

    /// <summary>Executes the request; for implementations of stores. The result ends before an entry that cannot be read.</summary>
    /// <param name="tail">The sequence of the last entry ever in the partition; zero if there was none.</param>
    /// <param name="trimmed">Entries up to this sequence may be gone.</param>
    /// <param name="end">The stream's end; null if it has not ended.</param>
    /// <param name="read">Reads an entry.</param>
    /// <exception cref="StoreRolledBackException">The request starts beyond the next entry.</exception>
    /// <exception cref="StreamStoreException">The first entry cannot be read.</exception>
    public ReadResult Read(long tail, long trimmed, StreamEnd? end, Func<long, Entry> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        if (From > tail + 1)
            throw new StoreRolledBackException(
                $"{Stream}/{Partition} was to be read from {From}, but its last entry is {tail}: the store has lost writes, or nothing "
                    + $"was read that far.")
            { Stream = Stream, Partition = Partition, Sequence = From };
        long next = Math.Max(From, trimmed + 1);
        long missed = next - From;
        List<Entry> entries = [];
        for (long bytes = MaxBytes; next <= tail && entries.Count < MaxItems; next++)
        {
            Entry entry;
            try
            {
                entry = read(next);
            }
            catch (StreamStoreException e) when (entries.Count > 0 && e.IsPermanent)
            {
                break;                               // the next request begins with it
            }
            bytes -= entry.Headers.Length + entry.Payload.Length;
            if (bytes < 0 && entries.Count > 0) break;
            entries.Add(entry);
        }
        return new(entries.ToArray(), next, missed, next > tail ? end : null);
    }
}

/// <summary>Entries read from a partition.</summary>
/// <param name="Entries">The entries by sequence, without gaps except for trimmed ones.</param>
/// <param name="Next">The sequence to continue from.</param>
/// <param name="Missed">The number of requested entries that have left the store; zero for open readers.</param>
/// <param name="End">The stream's end, once this partition is read completely; null while there may be more.</param>
public sealed record ReadResult(ReadOnlyMemory<Entry> Entries, long Next, long Missed, StreamEnd? End);

/// <summary>The result of an integrity check.</summary>
/// <param name="Entries">The number of entries that were verified.</param>
/// <param name="Problems">The problems, one sentence each, with the entry as <c>stream/partition/sequence</c>; empty if there are
/// none.</param>
public sealed record IntegrityReport(long Entries, IReadOnlyList<string> Problems);
