namespace Sluice.Storage;

/// <summary>A snapshot of a stream.</summary>
/// <param name="Name">The stream's name.</param>
/// <param name="Options">The options it was created with.</param>
/// <param name="End">The stream's end; null while it accepts entries.</param>
/// <param name="Items">The number of entries in the store, including waiting and retrying ones, without dead letters.</param>
/// <param name="Bytes">The size of their payloads and headers, in bytes; stores may count whole blocks.</param>
/// <param name="Appended">The number of entries ever appended, including those that have left the store.</param>
/// <param name="Groups">The consumer groups, by name.</param>
/// <param name="Readers">The open readers, by name.</param>
public sealed record StreamInfo(
    string Name, StreamOptions Options, StreamEnd? End, long Items, long Bytes, long Appended,
    IReadOnlyList<GroupBacklog> Groups, IReadOnlyList<ReaderInfo> Readers);

/// <summary>The backlog of a consumer group.</summary>
/// <param name="Name">The group's name.</param>
/// <param name="Outstanding">The number of entries that the group has not settled: not yet leased, in flight, and waiting.</param>
/// <param name="Waiting">The number of outstanding entries that left the order: retrying, parked, suspects.</param>
/// <param name="Dead">The number of dead letters; they are not outstanding.</param>
public sealed record GroupBacklog(string Name, long Outstanding, long Waiting, long Dead)
{
    /// <inheritdoc cref="GroupInfo.PausedAt"/>
    public DateTimeOffset? PausedAt { get; init; }

    /// <inheritdoc cref="GroupInfo.IsDraining"/>
    public bool IsDraining { get; init; }
}

/// <summary>The end of a stream. Entries that were appended before can still be read.</summary>
/// <param name="Failure">Null if the stream was completed; else the error and its place, for readers downstream.</param>
public sealed record StreamEnd(string? Failure)
{
    /// <summary>The end of a completed stream.</summary>
    public static StreamEnd Complete { get; } = new(Failure: null);

    /// <summary>Whether the stream failed.</summary>
    public bool IsFailure => Failure is not null;
}
