namespace Sluice;

/// <summary>A stream at a moment.</summary>
/// <param name="Name">The stream's name.</param>
/// <param name="Options">What it was made with.</param>
/// <param name="End">Whether and how it has ended; null while it may be appended to.</param>
/// <param name="Items">How many entries are in the store, waiting and retrying ones included, dead letters not.</param>
/// <param name="Bytes">Their payloads and headers, in bytes; stores may count whole chunks.</param>
/// <param name="Appended">How many entries were ever appended, those that have left the store included.</param>
/// <param name="Groups">The consumer groups, by name.</param>
/// <param name="Readers">The open readers, by name.</param>
public sealed record StreamInfo(
    string Name, StreamOptions Options, StreamEnd? End, long Items, long Bytes, long Appended,
    IReadOnlyList<GroupBacklog> Groups, IReadOnlyList<ReaderInfo> Readers);

/// <summary>What a group has before it.</summary>
/// <param name="Name">The group's name.</param>
/// <param name="Outstanding">Entries that it has not settled: not yet leased, in flight, and waiting.</param>
/// <param name="Waiting">Those of them that left the order: retrying, parked, suspects.</param>
/// <param name="Dead">Its dead letters; they are not outstanding.</param>
public sealed record GroupBacklog(string Name, long Outstanding, long Waiting, long Dead);

/// <summary>How a stream ended. What was appended before can still be read.</summary>
/// <param name="Failure">Null if it was completed; else what went wrong and where, for the readers downstream.</param>
public sealed record StreamEnd(string? Failure)
{
    /// <summary>The end of a stream that is complete.</summary>
    public static StreamEnd Complete { get; } = new(Failure: null);

    /// <summary>Whether it failed.</summary>
    public bool IsFailure => Failure is not null;
}
