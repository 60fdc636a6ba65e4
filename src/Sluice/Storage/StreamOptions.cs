using System.Text.Json.Serialization;

namespace Sluice.Storage;

/// <summary>The options of a stream. They are stored with the stream; the first opening decides.</summary>
public sealed record StreamOptions
{
    /// <summary>The default number of partitions.</summary>
    public const int DefaultPartitions = 64;

    internal const int MaxPartitions = 4096;

    private readonly int? partitions;

    /// <summary>The number of partitions; 1 to 4,096. It cannot change later, because keys would move.</summary>
    public int Partitions
    {
        get => partitions ?? DefaultPartitions;
        init => partitions = value;
    }

    internal bool IsPartitionsGiven => partitions is not null;

    internal long? GivenMaxItems { get; private init; }

    internal long? GivenMaxBytes { get; private init; }

    internal int? GivenMaxEntryBytes { get; private init; }

    /// <summary>
    /// The maximum number of outstanding entries of a consumer that applies backpressure; at least one. An append above it is answered with
    /// <see cref="AppendStatus.Full"/>. If nothing is outstanding, an append of any size is accepted.
    /// </summary>
    public long MaxItems
    {
        get => GivenMaxItems ?? 1_000_000;
        init => GivenMaxItems = value;
    }

    /// <summary>The same bound in bytes of payloads and headers; at least one. Stores may count whole blocks.</summary>
    public long MaxBytes
    {
        get => GivenMaxBytes ?? 1L << 30;
        init => GivenMaxBytes = value;
    }

    /// <summary>The maximum size of one entry's payload and headers, in bytes; 1 to 256 MB.</summary>
    public int MaxEntryBytes
    {
        get => GivenMaxEntryBytes ?? 16 << 20;
        init => GivenMaxEntryBytes = value;
    }

    /// <summary>The time when entries leave the store.</summary>
    public Retention Retention { get; init; }

    /// <summary>Whether two options make the same stream.</summary>
    public bool Equals(StreamOptions? other) => other is not null && Parts == other.Parts;

    /// <inheritdoc/>
    public override int GetHashCode() => Parts.GetHashCode();

    private (int, long, long, int, Retention) Parts => (Partitions, MaxItems, MaxBytes, MaxEntryBytes, Retention);

    /// <summary>Checks the ranges. Stores call it when a stream is opened.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public void Check()
    {
        Check(Partitions, MaxPartitions, nameof(Partitions));
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

/// <summary>The time when entries leave the store.</summary>
/// <remarks>
/// The numbers are stored, and run journals contain the names in the attributes. Both never change, whatever the members are called.
/// </remarks>
public enum Retention
{
    /// <summary>Once every group has settled them and every open reader has passed them. A stream with neither keeps all entries.</summary>
    [JsonStringEnumMemberName("UntilRead")]
    UntilRead,

    /// <summary>
    /// Never: entries stay for replay. The bounds still count the backlog of the slowest consumer that applies backpressure.
    /// </summary>
    [JsonStringEnumMemberName("All")]
    All,
}
