namespace Sluice;

/// <summary>How much a stream of a flow may hold, and for how long.</summary>
public sealed record FlowStreamOptions
{
    /// <summary>Whoever writes the stream waits while the slowest active reader has this many values before it; at least one.</summary>
    public long MaxItems { get; init; } = 10_000;

    /// <summary>The same in bytes of payloads; at least one.</summary>
    public long MaxBytes { get; init; } = 64 << 20;

    /// <summary>The longest payload of one value, in bytes; 1 to 256 MB.</summary>
    public int MaxItemBytes { get; init; } = 16 << 20;

    /// <summary>
    /// How many values the stream may keep for readers that hold nobody up: processors that wait, those that resume from scratch, results that nobody reads. With more (it is looked every thousand values at the latest), the run fails and says whom they were
    /// kept for. At least one; without effect if all are kept anyway (<see cref="Retention.All"/>).
    /// </summary>
    public long MaxKept { get; init; } = 10_000_000;

    /// <summary>Whether values leave the store when everybody has passed them, or stay there until the run is deleted.</summary>
    public Retention Retention { get; init; }

    /// <summary>What errors call the limit of a value.</summary>
    internal const string LimitName = $"{nameof(FlowStreamOptions)}.{nameof(MaxItemBytes)}";

    internal void Check(string stream)
    {
        if (MaxItems < 1 || MaxBytes < 1 || MaxKept < 1 || MaxItemBytes is < 1 or > 256 << 20)
            throw new ArgumentOutOfRangeException($"The stream {stream}: MaxItems, MaxBytes and MaxKept are at least one, MaxItemBytes is 1 to 256 MB.", innerException: null);
    }
}
