namespace Sluice;

/// <summary>What is appended at once: entries, and whose they are. Filled under its appender's lock, then the appending loop's.</summary>
internal sealed class AppendBatch(ConsecutorCore core)
{
    /// <summary>The most entries of an append.</summary>
    private const int MaxItems = 4096;


    private const long MaxBytes = 1 << 20;

    private EntryBatch entries = New(core);

    public EntryBatch Entries => entries;

    public bool IsFull => entries.Count > 0 && (entries.Count >= MaxItems || (entries.Count >= AppendRequest.MaxSpread && entries.HasKeys && core.Partitions > AppendRequest.MaxSpread) || entries.Bytes >= MaxBytes);

    public List<Ticket> Tickets { get; } = [];

    public ProducerOffset Place { get; set; }

    /// <summary>A position that stands behind all of the entries, if there are any; null if it follows from <see cref="Place"/>.</summary>
    public ReadOnlyMemory<byte>? Mark { get; set; }

    /// <summary>Whether there is anything to append.</summary>
    public bool IsEmpty => entries.Count == 0 && Mark is null;

    /// <summary>Whether all that is outstanding of the last root is in here, so that no part of it will follow.</summary>
    public bool EndsRoot
    {
        get
        {
            if (Tickets.Count == 0) return false;
            Ticket last = Tickets[^1];
            int parts = 0;
            for (int i = Tickets.Count - 1; i >= 0 && ReferenceEquals(Tickets[i], last); i--) parts++;
            return last.IsHeldBy(parts);
        }
    }

    /// <summary>How long it may wait for room, as a timestamp of the clock.</summary>
    public long Until { get; set; } = long.MaxValue;

    public TaskCompletionSource Done { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Started { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Adds bytes that could not be made an item: an entry that becomes a dead letter when a consecutor reads it. Bytes that are more than an entry may have are cut off.</summary>
    public void Bury(ReadOnlyMemory<byte> raw, string why)
    {
        FitLimit();
        byte[] headers = new EntryHeaders(null, null) { Loss = why.Length <= entries.MaxEntryBytes / 8 ? why : why[..(entries.MaxEntryBytes / 8)] }.ToBytes();
        entries.Add(raw.Span[..Math.Clamp(entries.MaxEntryBytes - headers.Length, 0, raw.Length)], default, headers);
    }

    public void Reset()
    {
        entries.Clear();
        FitLimit();
        Tickets.Clear();
        Until = long.MaxValue;
        Mark = null;
        Done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Checks what is added from here on against the limit that the stream has, which may be older than the options. Empty.</summary>
    public void FitLimit()
    {
        if (entries.MaxEntryBytes == core.MaxEntryBytes || entries.Count > 0) return;
        entries.Dispose();
        entries = New(core);
    }

    private static EntryBatch New(ConsecutorCore core) => new() { Stream = core.Name, CodeVersion = core.Options.CodeVersion, MaxEntryBytes = core.MaxEntryBytes };
}

/// <summary>Where a producer is: with a part of one of its roots.</summary>
/// <param name="Root">The number of the root in this run, from zero.</param>
/// <param name="Parts">How many parts of it were sent, this one included.</param>
internal readonly record struct ProducerOffset(long Root, long Parts);
