namespace Sluice;

/// <summary>What is appended at once: entries, and whose they are. Filled under its appender's lock, then the appending loop's.</summary>
internal sealed class Filling(EntryBatch entries)
{
    /// <summary>The most entries of an append.</summary>
    private const int MaxItems = 4096;

    private const long MaxBytes = 1 << 20;

    public EntryBatch Entries => entries;

    public bool IsFull => entries.Count > 0 && (entries.Count >= MaxItems || entries.Bytes >= MaxBytes);

    public List<Ticket> Tickets { get; } = [];

    public Place Place { get; set; }

    /// <summary>How long it may wait for room, as a timestamp of the clock.</summary>
    public long Until { get; set; } = long.MaxValue;

    public TaskCompletionSource Done { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Started { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Reset()
    {
        entries.Clear();
        Tickets.Clear();
        Until = long.MaxValue;
        Done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>Where a producer is: with a part of one of its roots.</summary>
/// <param name="Root">The number of the root in this run, from zero.</param>
/// <param name="Parts">How many parts of it were sent, this one included.</param>
internal readonly record struct Place(long Root, long Parts);
