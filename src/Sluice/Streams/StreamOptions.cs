using System.Text.Json.Serialization;

namespace Sluice;

/// <summary>How a stream is made. Stored with the stream; the first opening decides.</summary>
public sealed record StreamOptions
{
    /// <summary>The number of partitions of a stream that says nothing else.</summary>
    public const int DefaultPartitions = 64;

    /// <summary>How many partitions; 1 to 4,096. Cannot be changed later: keys would move.</summary>
    public int Partitions { get; init; } = DefaultPartitions;

    /// <summary>
    /// Appends are answered with <see cref="AppendStatus.Full"/> when a consumer that gates would have more outstanding entries
    /// than this; at least one. A batch larger than the bound is accepted when nothing is outstanding.
    /// </summary>
    public long MaxItems { get; init; } = 1_000_000;

    /// <summary>The same in bytes of payloads and headers; at least one. Stores may count whole chunks.</summary>
    public long MaxBytes { get; init; } = 1L << 30;

    /// <summary>The largest payload with headers that one entry may have, in bytes; 1 to 256 MB.</summary>
    public int MaxEntryBytes { get; init; } = 16 << 20;

    /// <summary>When entries leave the store.</summary>
    public Retention Retention { get; init; }

    /// <summary>Checks the ranges. Stores call it when a stream is opened.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public void Check()
    {
        Check(Partitions, 4096, nameof(Partitions));
        Check(MaxItems, long.MaxValue, nameof(MaxItems));
        Check(MaxBytes, long.MaxValue, nameof(MaxBytes));
        Check(MaxEntryBytes, 256 << 20, nameof(MaxEntryBytes));
    }

    private static void Check(long value, long most, string property)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, $"{nameof(StreamOptions)}.{property}");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most, $"{nameof(StreamOptions)}.{property}");
    }
}

/// <summary>When entries leave the store.</summary>
/// <remarks>Run journals have the names in the attributes, stores the numbers, whatever the code calls the members.</remarks>
public enum Retention
{
    /// <summary>When every group has settled them and every open reader has passed them. A stream with neither keeps everything.</summary>
    [JsonStringEnumMemberName("UntilRead")]
    UntilRead,

    /// <summary>Never: for replay. The bound still counts what the slowest consumer that gates has before it.</summary>
    [JsonStringEnumMemberName("All")]
    All,
}

/// <summary>Where a new group or reader begins.</summary>
public enum StreamStart
{
    /// <summary>At the first entry that is still there.</summary>
    First,

    /// <summary>Behind the last entry.</summary>
    New,
}
