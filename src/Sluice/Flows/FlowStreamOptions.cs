namespace Sluice.Flows;

/// <summary>Bounds of one stream of a flow.</summary>
public sealed record FlowStreamOptions
{
    /// <summary>
    /// The largest number of values that the slowest active reader may have unread before the writer waits. At least 1; default 10,000.
    /// </summary>
    /// <remarks>
    /// A reader is active from its first read to the end of its loop. A result that no loop reads is bounded by <see cref="MaxKept"/> only.
    /// </remarks>
    public long MaxItems { get; init; } = 10_000;

    /// <summary>
    /// The largest size in bytes of payloads that the slowest active reader may have unread before the writer waits. At least 1; default 64
    /// MB.
    /// </summary>
    public long MaxBytes { get; init; } = 64 << 20;

    /// <summary>The largest payload of one value, in bytes. 1 byte to 256 MB; default 16 MB.</summary>
    public int MaxItemBytes { get; init; } = 16 << 20;

    /// <summary>The largest number of values kept for readers that do not hold up the writer. At least 1; default 10,000,000.</summary>
    /// <remarks>
    /// Such readers are processors that wait or resume from scratch, and results: before the first read, after the loop that reads has
    /// ended, and in a loop that does not go on for longer than <see cref="SupervisorOptions.ReaderTimeout"/>.
    /// If the stream keeps more, the run fails, and the error names the reader; the check runs at least every thousand values.
    /// No effect with <see cref="Retention.All"/>.
    /// </remarks>
    public long MaxKept { get; init; } = 10_000_000;

    /// <summary>Whether values leave the store once all readers have passed them, or stay until the run is deleted.</summary>
    public Retention Retention { get; init; }

    /// <summary>The name that errors give to the limit on the size of a value.</summary>
    internal const string LimitName = $"{nameof(FlowStreamOptions)}.{nameof(MaxItemBytes)}";

    internal void Check(string stream)
    {
        if (MaxItems < 1 || MaxBytes < 1 || MaxKept < 1 || MaxItemBytes is < 1 or > 256 << 20)
            throw new ArgumentOutOfRangeException(
                $"The stream {stream}: MaxItems, MaxBytes and MaxKept are at least one, MaxItemBytes is 1 to 256 MB.",
                    innerException: null);
    }
}
